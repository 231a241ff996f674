// The data of the page as Python writes it, and the messages between the page and its worker. Only tsc reads this file.

import type { Data } from "./data.mjs";

type Base64 = string;
type ByMethod<T> = Record<string, T>;
type Word = string | number | null;

/** All of one head. Base64 texts are arrays; which, `data.mjs` says. */
export interface Packed {
  xy: ByMethod<Base64>;
  z: ByMethod<Base64>;
  norms: Base64;
  longest: number;
  scores: Base64;
  values?: Base64;
  moved?: Base64;
  vectors?: Base64;
  steepest: number;
  relative: Base64;
  average: Base64;
  extent: ByMethod<number>;
  scale: ByMethod<number>;
  radius: ByMethod<number | null>;
  lean: ByMethod<{ numbers: Base64; largest: number; square: number } | null>;
  move: ByMethod<Record<string, Base64>>;
  variance: ByMethod<number[] | null>;
}

export interface Column {
  name: string;
  label: string;
  about: string;
  digits: number;
  values: (number | null)[];
  labels?: string[];
  kinds?: string[];
}

export interface PageData {
  title: string;
  notes: string[];
  layers: number;
  heads: number;
  headSize: number;
  methods: string[];
  drawn: string;
  reach: number;
  across: number;
  columns: Column[];
  evidence: { share: number; left: number; queries: number; best: number }[];
  start: { layer: number; head: number };
  tour: Record<string, any>[];
  live: { name: string; config: Record<string, any>; tokenizer: TokenizerSettings; shapes: [string, number[]][] } | null;
  code: string;
  packed: Packed[];
}

export interface TokenizerSettings {
  vocabulary: string[];
  special: Record<string, number>;
  frame: { single: [string, number][]; pair: [string, number][] };
  mask: string;
  unknown: string;
  prefix: string;
  longest: number;
  clean: boolean;
  accents: boolean;
  lowercase: boolean;
  chinese: boolean;
}

/** What the page sends to its worker. */
export interface Request {
  text: string;
  second: string;
  off?: string[];
  hidden?: number[];
  token?: number;
  why?: { layer?: number; head?: number; query?: number };
}

type Guesses = [number, [string, number][]][];

/** What the worker sends back. */
export interface Answer {
  request: Request & { masked: string };
  number: number;
  encoding: { tokens: string[]; ids: number[]; types: number[]; words: Word[]; spans: ([number, number] | null)[] };
  layers: Record<"query" | "key" | "scores" | "attention" | "valueLength" | "movedLength", Float32Array>[];
  guesses: Guesses;
  before: Guesses | null;
  moved: number[] | null;
  way: { layer: number; name: string; head?: number; length: number; towards: number; guesses?: [string, number][] }[] | null;
  milliseconds: number;
}

declare module "./data.mjs" {
  interface Data extends PageData {}
  interface Head {
    data: Data;
    packed: Packed;
    layer: number;
    head: number;
  }
}

declare module "../live/tokenizer.mjs" {
  interface Tokenizer extends TokenizerSettings {}
}
