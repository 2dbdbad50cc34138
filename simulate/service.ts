/** The service as it is: web and worker processes, each in a context of its own, on one twin of an engine. */
import type { RequestListener } from "node:http";
import { pino } from "pino";
import { simulatorCertificate } from "../src/adapters/paypal/simulator-certificate.ts";
import type { Config } from "../src/config.ts";
import type { Meters } from "../src/lib/meters.ts";
import type { Transport } from "../src/lib/transport.ts";
import { createSeam } from "../src/queue/seam.ts";
import { createWeb } from "../src/web.ts";
import { startWorker } from "../src/worker.ts";
import type { Agenda } from "./agenda.ts";
import { answerBy, type Call, type Reply } from "./http.ts";
import { linkOf, type NetworkParts, transportOf } from "./network.ts";
import { SimulatedProcess } from "./processes.ts";
import { openTwin } from "./twin/engine.ts";
import type { TwinServer } from "./twin/server.ts";

/** All that a web process fetches: what PayPal signs with. Nothing happens to it on its way, or forged webhooks would have to be taken until it is there. */
const certificates: Transport = async () => ({ status: 200, headers: {}, text: simulatorCertificate });

/** What processes are started with. */
export interface ServiceParts {
  readonly seed: number;
  readonly agenda: Agenda;
  readonly config: Config;
  /** What those are started with who have not heard of the newest settings. */
  readonly otherConfig: Config;
  readonly server: TwinServer;
  readonly meters: Meters;
  readonly note: (line: string) => void;
  readonly network: NetworkParts;
}

interface Place {
  process: SimulatedProcess;
  handler?: RequestListener;
  hangUp: () => void;
  close: () => Promise<void>;
}

/** The processes of the service, by name. */
export class Service {
  readonly #parts: ServiceParts;
  readonly #places = new Map<string, Place>();
  /** Who is started with the other settings. */
  readonly others = new Set<string>();
  #lives = 0;
  /** Calls from outside that nobody has answered yet. */
  open = 0;
  /** How many looks came to an end. */
  looks = 0;

  constructor(parts: ServiceParts) {
    this.#parts = parts;
  }

  get processes(): SimulatedProcess[] {
    return [...this.#places.values()].map(({ process }) => process);
  }

  /** Whether anybody asks or answers anything now. */
  get isBusy(): boolean {
    if (this.open > 0) return true;
    for (const { process } of this.#places.values())
      if (process.state === "frozen" || (process.state === "running" && process.underWay > 0)) return true;
    return false;
  }

  /** Starts a process, in the place of the one that had its name. */
  start(name: string): void {
    const { agenda, seed, note } = this.#parts;
    this.#lives += 1;
    const life = this.#lives;
    const process = new SimulatedProcess(name, life, Math.imul(seed, 31) + life * 7_919);
    process.skewMs = this.#places.get(name)?.process.skewMs ?? 0;
    note(`${name} starts`);
    agenda.as(process, () => this.#places.set(name, this.#run(process)));
  }

  #run(process: SimulatedProcess): Place {
    const { otherConfig, server, meters, note, network } = this.#parts;
    const config = this.others.has(process.name) ? otherConfig : this.#parts.config;
    const log = pino(
      { level: "info", base: null, timestamp: false },
      {
        write: (line: string) => {
          if (line.includes('"msg":"payment.')) this.looks += 1;
          note(`${process.name}: ${line.trimEnd()}`);
        },
      },
    );
    const link = linkOf(process, network);
    const engine = openTwin({ server, link }, log);
    const queue = createSeam(engine);
    if (process.name.startsWith("web")) {
      const handler = createWeb({ config, engine, queue, log, meters, transport: certificates });
      return { process, handler, hangUp: link.hangUp, close: () => engine.close() };
    }
    const worker = startWorker({ config, engine, queue, log, meters, transport: transportOf(process, network) });
    const close = async (): Promise<void> => {
      await worker.close();
      await engine.close();
    };
    return { process, hangUp: link.hangUp, close };
  }

  /** Ends a process where it stands. */
  kill(process: SimulatedProcess): boolean {
    const place = this.#places.get(process.name);
    if (process.state === "dead" || place?.process !== process) return false;
    process.state = "dead";
    process.missed();
    place.hangUp();
    return true;
  }

  /** Tells a process to stop, as a deployment does. */
  stop(process: SimulatedProcess, stopped: () => void): void {
    const place = this.#places.get(process.name);
    if (process.state === "dead" || place?.process !== process) return;
    this.#parts.agenda.as(process, () => void place.close().then(stopped, stopped));
  }

  /** A call from outside to a web process; `undefined`: nobody answered in time. */
  call(name: string, call: Call, answered: (reply: Reply | undefined) => void): void {
    const { agenda } = this.#parts;
    const place = this.#places.get(name);
    const outside = { process: null } as const;
    let over = false;
    this.open += 1;
    const finish = (reply: Reply | undefined): void => {
      if (over) return;
      over = true;
      deadline.over = true;
      this.open -= 1;
      answered(reply);
    };
    const deadline = agenda.after(10_000, () => finish(undefined), outside);
    const handler = place?.handler;
    if (place === undefined || handler === undefined || place.process.state === "dead") {
      agenda.after(2, () => finish(undefined), outside);
      return;
    }
    const arrive = (): void => answerBy(handler, call, (reply) => agenda.after(1.5, () => finish(reply), outside));
    agenda.after(1.5, arrive, { process: place.process });
  }
}
