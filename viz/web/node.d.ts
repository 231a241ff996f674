// What the tests use of Node, so that no package with all its types is needed.
declare module "node:assert/strict" { const assert: any; export default assert; }
declare module "node:test" { const test: (name: string, run: () => unknown) => void; export default test; }
declare module "node:fs" { export const readFileSync: (path: any, encoding?: string) => any; }
declare const process: { argv: string[]; env: Record<string, string> };
declare const Buffer: any;
interface Window { explorer: unknown; reading: unknown; }
