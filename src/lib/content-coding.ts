import { promisify } from "node:util";
import { brotliDecompress, gunzip, inflate, inflateRaw, type ZlibOptions } from "node:zlib";

type Decoder = (bytes: Buffer, options: ZlibOptions) => Promise<Buffer>;

const decoders: Readonly<Record<string, Decoder>> = {
  gzip: promisify<Buffer, ZlibOptions, Buffer>(gunzip),
  "x-gzip": promisify<Buffer, ZlibOptions, Buffer>(gunzip),
  br: promisify(brotliDecompress) as Decoder,
  // The standard's `deflate` is zlib's format; some servers send the bare stream under the same name (RFC 9110, 8.4.1.2).
  deflate: (bytes, options) => (isZlib(bytes) ? unzlib(bytes, options) : unraw(bytes, options)),
};
const unzlib = promisify<Buffer, ZlibOptions, Buffer>(inflate);
const unraw = promisify<Buffer, ZlibOptions, Buffer>(inflateRaw);

/** What we can read, for `accept-encoding`. */
export const acceptedCodings = "gzip, deflate, br";

/** What a body may be wrapped in, one coding in another: more is nobody's honest answer. */
const mostCodings = 2;

/**
 * The bytes of a body without its content codings; a coding that is none (`utf-8`) is read past.
 * @param header `content-encoding`, as it came
 * @throws Error with a `code` where the bytes end too early, are damaged, or would be more than `maxBytes`
 */
export async function decode(bytes: Buffer, header: string | undefined, maxBytes: number): Promise<Buffer> {
  if (header === undefined || bytes.length === 0) return bytes;
  const codings = header.toLowerCase().split(",").slice(-mostCodings);
  let decoded = bytes;
  // The last one named was put on last.
  for (const coding of codings.toReversed())
    decoded = (await decoders[coding.trim()]?.(decoded, { maxOutputLength: maxBytes })) ?? decoded;
  return decoded;
}

/** Zlib's two bytes ahead: method 8 in the lower half, and a check over both (RFC 1950, 2.2). */
function isZlib(bytes: Buffer): boolean {
  const [first = 0, second = 0] = bytes;
  return (first & 0x0f) === 8 && ((first << 8) | second) % 31 === 0;
}
