// base64 text -> typed arrays.

export const QUANTA = 32767;

function bytes(base64) {
  const text = atob(base64);
  const result = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) result[i] = text.charCodeAt(i);
  return result.buffer;
}

export const int16 = (base64) => new Int16Array(bytes(base64));
export const uint16 = (base64) => new Uint16Array(bytes(base64));
export const float32 = (base64) => new Float32Array(bytes(base64));
