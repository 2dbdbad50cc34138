import { styleText } from "node:util";
import { exponentOf, type Minor } from "../src/lib/money.ts";

/** Where lines for people go: a terminal, or anything that takes text. */
export interface Terminal {
  /** True where colours are shown. */
  readonly colour: boolean;
  write(line: string): void;
}

/** Norce's states in the colours of Norce's own reference interface: money reserved is amber, money taken green. */
const colours: Readonly<Record<string, Parameters<typeof styleText>[0]>> = {
  intent: "gray",
  processing: "cyan",
  pending: "magenta",
  confirmed: "blue",
  reserved: "yellow",
  captured: "green",
  credited: "blue",
  refunded: "blue",
  removed: "gray",
  cancelled: "gray",
  declined: "red",
  failed: "red",
};

/** The process's own terminal; colours only where it is one and `NO_COLOR` is not set. */
export function processTerminal(stream: NodeJS.WriteStream = process.stdout): Terminal {
  // `hasColors` knows NO_COLOR and FORCE_COLOR.
  return { colour: stream.isTTY && stream.hasColors(), write: (line) => stream.write(`${line}\n`) };
}

/** What one line says of a payment. */
export interface Move {
  readonly at: number;
  readonly orderId: string;
  /** The PSP's product. */
  readonly psp: string;
  /** `null`: the payment is new. */
  readonly from: string | null;
  readonly to: string;
  readonly amount: Minor;
  readonly currency: string;
  /** What else is worth saying: `captured 459,42 SEK`. */
  readonly note?: string;
}

/** `12:03:11  o3fG7Kd2  Klarna Checkout  reserved → captured   1 148,54 SEK`. */
export function moveLine(move: Move, colour: boolean): string {
  const { at, orderId, psp, from, to, amount, currency, note } = move;
  const moved = from !== null && from !== to;
  const way = moved ? `${from} → ${to}` : to;
  const shown = moved ? `${paint(from, colour)} → ${paint(to, colour)}` : paint(to, colour);
  const padding = " ".repeat(Math.max(0, 20 - way.length));
  const money = formatMoney(amount, currency).padStart(13);
  const rest = note === undefined ? "" : `  ${dim(note, colour)}`;
  return `${dim(clock(at), colour)}  ${orderId.padEnd(8)}  ${psp}  ${shown}${padding} ${money}${rest}`;
}

/** `1 148,54 SEK`, with the spaces that do not break. */
export function formatMoney(amount: Minor, currency: string): string {
  const digits = exponentOf(currency);
  const text = new Intl.NumberFormat("sv-SE", { minimumFractionDigits: digits, maximumFractionDigits: digits }).format(
    amount / 10 ** digits,
  );
  return `${text}\u00A0${currency}`;
}

/** `12:03:11`, local time. */
export function clock(at: number): string {
  return new Date(at).toTimeString().slice(0, 8);
}

/** Less important. */
export function dim(text: string, colour: boolean): string {
  return colour ? styleText("dim", text, { validateStream: false }) : text;
}

/** Good or bad news. */
export function verdict(text: string, good: boolean, colour: boolean): string {
  return colour ? styleText([good ? "green" : "red", "bold"], text, { validateStream: false }) : text;
}

function paint(state: string, colour: boolean): string {
  return colour ? styleText(colours[state] ?? "white", state, { validateStream: false }) : state;
}
