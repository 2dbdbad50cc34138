/**
 * Everything that leaves a process: requests to Norce and the PSPs, calls to the queue's engine. It leaves, arrives, takes effect and comes back;
 * each is a step on which a fault can fall.
 */
import type { Answered, Outgoing, Transport, Unanswered } from "../src/lib/transport.ts";
import type { Agenda } from "./agenda.ts";
import { engineFaults, type Faults, httpFaults, type HttpFault, type ProcessFault } from "./faults.ts";
import type { Reply } from "./http.ts";
import type { SimulatedProcess } from "./processes.ts";
import type { Link } from "./twin/server.ts";

/** A request on its way, as whoever is asked and whoever judges see it. */
export interface Request {
  readonly from: SimulatedProcess;
  readonly method: string;
  readonly url: URL;
  /** By lower-case name. */
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string | undefined;
}

/** What the network is part of. */
export interface NetworkParts {
  readonly agenda: Agenda;
  readonly faults: Faults;
  /** Milliseconds since the epoch at which the world began. */
  readonly epoch: number;
  /** Whoever is asked answers; `undefined`: it hung up. `fault`: `lags`, `late` change what is answered, and when it was asked. */
  readonly ask: (request: Request, fault: HttpFault | undefined, answered: (reply: Reply | undefined) => void) => void;
  /** Whether whoever has that host is away now. */
  readonly isAway: (host: string) => boolean;
  /** Bytes that change something leave a process. */
  readonly left: (request: Request) => void;
  readonly kill: (process: SimulatedProcess, why: string) => void;
  readonly freeze: (process: SimulatedProcess, ms: number, why: string) => void;
  readonly note: (line: string) => void;
}

/** How long a frozen process stands still: longer than a lock lives, mostly. */
const freezeMs = { least: 6_000, most: 24_000 } as const;
/** For how long a process that stood still has not yet taken up everything again. */
const dazedMs = 3_000;
/** How often whoever sent a write that is carried out late dies while it waits. */
const diesWaiting = 0.25;
/** How late a write may be carried out that timed out. */
const lateMs = { least: 5_500, most: 27_000 } as const;

/** The transport of a process of the service. */
export function transportOf(process: SimulatedProcess, parts: NetworkParts): Transport {
  const { agenda, faults } = parts;
  return (outgoing) => {
    const request = requestOf(process, outgoing);
    const name = nameOf(outgoing);
    const count = faults.count(name);
    const { promise, resolve, reject } = Promise.withResolvers<Answered | Unanswered>();
    let sent = false;
    let over = false;
    process.underWay += 1;
    const end = (): void => {
      over = true;
      deadline.over = true;
      process.underWay -= 1;
    };
    const finish = (outcome: Answered | Unanswered): void => {
      if (over) return;
      end();
      resolve(outcome);
    };
    const deadline = agenda.after(outgoing.timeoutMs, () => finish({ code: "timeout", sent }));
    const refuse = (error: unknown): void => {
      if (over) return;
      end();
      reject(error);
    };
    const leave = (): void => {
      if (outgoing.signal?.aborted === true) return finish({ code: "given-up", sent });
      if (over) return;
      if (parts.isAway(outgoing.url.host)) return finish({ code: "ECONNREFUSED", sent });
      sent = true;
      if (outgoing.method !== "GET") parts.left(request);
      parts.note(`${process.name} -> ${name} #${count}`);
      send({ request, name, count, parts, finish });
    };
    const { prove } = outgoing;
    agenda.after(faults.number(`connect ${name} ${count}`, 0.5, 3), () => {
      if (prove === undefined) leave();
      else prove().then(leave, refuse);
    });
    return promise;
  };
}

interface Sending {
  readonly request: Request;
  readonly name: string;
  readonly count: number;
  readonly parts: NetworkParts;
  readonly finish: (outcome: Answered | Unanswered) => void;
}

/** From the last byte that leaves to the answer. */
function send({ request, name, count, parts, finish }: Sending): void {
  const { agenda, faults, ask, note } = parts;
  const { from, url } = request;
  const possible = httpFaults.filter((fault) => isPossible(fault, request));
  const fault = faults.strike(possible, name, count);
  const fate = faults.strike(["dies-before", "dies-after", "freezes"] as const, name, count);
  const outside = { process: null } as const;
  const wayMs = (what: string): number =>
    faults.number(`${what} ${name} ${count}`, 1, 12) +
    (fault === "slow" ? faults.number(`slow ${name} ${count}`, 200, 3_500) : 0);
  const back = (outcome: Answered | Unanswered): void => {
    if (fate === "freezes")
      parts.freeze(from, faults.number(`freeze ${name} ${count}`, freezeMs.least, freezeMs.most), name);
    agenda.after(wayMs("back"), () => finish(outcome), { process: from });
  };
  const strike = (): void => {
    if (fate === "dies-before") return parts.kill(from, name);
    if (fault !== undefined) note(`fault ${fault}: ${name} #${count}`);
    const struck = fault === undefined ? undefined : insteadOf(fault);
    if (struck !== undefined) return back(struck);
    if (fault === "timeout-before") return;
    // Aimed: nobody is left who would wait for what is carried out late.
    if (fault === "late" && faults.strike(["dies-before", "dies-after"], `waiting ${name}`, count, diesWaiting))
      agenda.after(faults.number(`waits ${name} ${count}`, 10, 4_500), () => parts.kill(from, name), outside);
    const effectMs = fault === "late" ? faults.number(`late ${name} ${count}`, lateMs.least, lateMs.most) : 0;
    agenda.after(
      effectMs,
      () =>
        ask(request, fault, (reply) => {
          note(`${url.host} answers ${reply?.status ?? 0} to ${name} #${count}`);
          if (fate === "dies-after") return parts.kill(from, name);
          if (fault === "timeout-after" || fault === "late") return;
          if (fault === "reset-after" || reply === undefined) return back({ code: "ECONNRESET", sent: true });
          back({ status: reply.status, headers: reply.headers, text: reply.text });
        }),
      outside,
    );
  };
  agenda.after(wayMs("there"), strike, outside);
}

/** A fault that needs a write, or is Norce's alone, strikes nothing else: what reads is the same whether it was carried out or not. */
function isPossible(fault: HttpFault, { method, url }: Request): boolean {
  if (fault === "lags" || fault === "forgets") return method === "GET" && url.host === hosts.psp;
  if (fault === "late" || fault === "conflict") return method !== "GET" && url.host === hosts.norce;
  return fault === "timeout-after" || fault === "reset-after" ? method !== "GET" : true;
}

/** What comes back in the place of an answer, where nothing was carried out. */
function insteadOf(fault: HttpFault): Answered | Unanswered | undefined {
  const json = { "content-type": "application/json" };
  switch (fault) {
    case "conflict":
      return { status: 409, headers: json, text: '{"code":"conflict"}' };
    case "forgets":
      return { status: 404, headers: json, text: '{"code":"not-found"}' };
    case "too-many":
      return { status: 429, headers: { ...json, "retry-after": "7" }, text: '{"code":"too-many"}' };
    case "error":
      return { status: 500, headers: json, text: '{"code":"internal"}' };
    case "web-page":
      return { status: 503, headers: { "content-type": "text/html" }, text: "<html>maintenance</html>" };
    case "reset-before":
      return { code: "ECONNRESET", sent: true };
    case "lags":
    case "late":
    case "reset-after":
    case "slow":
    case "timeout-after":
    case "timeout-before":
      return undefined;
  }
}

/** Where everybody is. */
export const hosts = { norce: "norce.test", psp: "psp.test", service: "service.test" } as const;

function requestOf(from: SimulatedProcess, { method, url, headers, text }: Outgoing): Request {
  const lower = Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value] as const);
  return { from, method, url, headers: Object.fromEntries(lower), text };
}

/** By what a call is known: what is ours in its path stays, and a query is not needed. */
function nameOf({ method, url }: Outgoing): string {
  return `${method} ${url.host}${url.pathname}`;
}

/** The way of one process to the queue's engine, in its order, as on one connection. */
export function linkOf(process: SimulatedProcess, parts: NetworkParts): Link & { readonly hangUp: () => void } {
  const { agenda, faults } = parts;
  const waits = new Set<() => void>();
  let arrives = 0;
  let returns = 0;
  const outside = { process: null, quiet: true } as const;
  const inTurn = (last: number, ms: number): number => Math.max(last, agenda.now + ms);

  const strikes = (name: string, count: number) => {
    const own = `${process.name} ${name}`;
    const isProof = name.startsWith("extend ");
    // Aimed: between being given a job and hearing of it, between a proof and what it is for, at whoever has just come to, and between having done
    // something and saying so.
    const fates: readonly ProcessFault[] = name.startsWith("take ")
      ? ["dies-after", "freezes-given"]
      : ["dies-before", "dies-after", isProof ? "freezes-proven" : "freezes"];
    const isDazed = isProof && agenda.now - process.thawedAt < dazedMs;
    const isEnd = name.startsWith("finish ");
    const possible = engineFaults.filter((fault) =>
      fault === "engine-deaf" ? isDazed : fault !== "engine-slow-end" || isEnd,
    );
    return { fault: faults.strike(possible, own, count), fate: faults.strike(fates, own, count), own };
  };

  return {
    holder: `${process.name}.${process.life}`,
    now: () => Math.floor(parts.epoch + agenda.now + process.skewMs),
    call<T>(name: string, effect: () => T): Promise<T> {
      const count = process.count(name);
      const { fault, fate, own } = strikes(name, count);
      const { promise, resolve, reject } = Promise.withResolvers<T>();
      process.underWay += 1;
      const isSlow = fault === "engine-slow" || fault === "engine-slow-end";
      const slowMs = isSlow ? faults.number(`slow ${own} ${count}`, 100, 4_000) : 0;
      // On the way there or back: what is late there takes effect late, too.
      const isLateThere = fault === "engine-slow-end" || faults.number(`slow way ${own} ${count}`, 0, 1) < 0.5;
      const [thereMs, backMs] = isLateThere ? [slowMs, 0] : [0, slowMs];
      arrives = inTurn(arrives, faults.number(`there ${own} ${count}`, 0.1, 0.8) + thereMs);
      const back = (answer: () => void): void => {
        if (fate === "freezes" || fate === "freezes-proven" || (fate === "freezes-given" && isGiven(result)))
          parts.freeze(process, faults.number(`freeze ${own} ${count}`, freezeMs.least, freezeMs.most), own);
        returns = inTurn(returns, faults.number(`back ${own} ${count}`, 0.1, 0.8) + backMs);
        const arrive = (): void => {
          process.underWay -= 1;
          answer();
        };
        agenda.after(returns - agenda.now, arrive, { process });
      };
      const lost = (): void => reject(Object.assign(new Error("the connection was lost"), { code: "ECONNRESET" }));
      let result: T;
      agenda.after(
        arrives - agenda.now,
        () => {
          if (fate === "dies-before") return parts.kill(process, own);
          if (fault !== undefined) parts.note(`fault ${fault}: ${own} #${count}`);
          if (fault === "engine-refuses" || fault === "engine-deaf" || parts.isAway("engine")) return back(lost);
          try {
            result = effect();
          } catch (error) {
            return back(() => reject(error));
          }
          parts.note(`${own} #${count}`);
          if (fate === "dies-after") return parts.kill(process, own);
          back(fault === "engine-silent" ? lost : () => resolve(result));
        },
        outside,
      );
      return promise;
    },
    wait<T>(name: string, ms: number, begin: (told: (what: T) => void) => () => void, onwards: () => number = () => 0) {
      const { promise, resolve } = Promise.withResolvers<T | null>();
      let leave: (() => void) | undefined;
      let over = false;
      const finish = (what: T | null): void => {
        if (over) return;
        over = true;
        deadline.over = true;
        leave?.();
        waits.delete(end);
        agenda.after(
          faults.number(`back ${process.name} ${name} ${process.count(name)}`, 0.1, 0.8),
          () => resolve(what),
          {
            process,
          },
        );
      };
      const end = (): void => finish(null);
      const when = { ...outside, waitsIn: name.replace("wait ", "") };
      // Asking in vain and waiting again is most of what idle processes do. Whoever stands still or is cut off does not ask again.
      const passed = (): void => {
        const moreMs = process.state === "running" && !parts.isAway("engine") ? onwards() : 0;
        if (moreMs > 0) deadline = agenda.after(moreMs, passed, when);
        else end();
      };
      let deadline = agenda.after(ms, passed, when);
      waits.add(end);
      agenda.after(
        0.3,
        () => {
          if (!over) leave = begin(finish);
        },
        outside,
      );
      return { answer: promise, end };
    },
    hangUp() {
      for (const end of waits) end();
    },
  };
}

/** Whether a job came with the answer. */
function isGiven(answer: unknown): boolean {
  return Array.isArray(answer) && Boolean(answer[0]);
}
