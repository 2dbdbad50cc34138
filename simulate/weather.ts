/** Trouble that is nobody's call: somebody is away for a while, clocks are set, processes are deployed anew or end. */
import type { Agenda } from "./agenda.ts";
import { oneOf } from "./draws.ts";
import { type Faults, type Weather, weather } from "./faults.ts";
import { hosts } from "./network.ts";
import type { SimulatedProcess } from "./processes.ts";
import type { Service } from "./service.ts";

/** What the weather strikes. */
export interface WeatherParts {
  readonly agenda: Agenda;
  readonly faults: Faults;
  readonly service: Service;
  /** Who is away now, by host; `engine` is the queue's. */
  readonly away: Set<string>;
  /** When the last step of a life is, in milliseconds since the world began. */
  readonly lastMs: number;
  readonly kill: (process: SimulatedProcess, why: string) => void;
  /** The queue's engine comes back without anything that it held. */
  readonly empty: () => void;
  readonly note: (line: string) => void;
}

const outside = { process: null } as const;
/** How far a clock is set that is set far: a month. */
const mostLeapMs = 30 * 24 * 3_600_000;
/** How often it changes. */
const times = 4;

/** Lets the weather change a few times while payments live. */
export function blow(parts: WeatherParts): void {
  const { agenda, faults, lastMs } = parts;
  for (let at = 1; at <= times; at += 1)
    agenda.after(
      faults.number(`weather ${at}`, 5_000, lastMs),
      () => {
        const kind = faults.strike(weather, `weather ${at}`, at);
        if (kind !== undefined) strike(kind, at, parts);
      },
      outside,
    );
}

function strike(kind: Weather, at: number, parts: WeatherParts): void {
  const { agenda, faults, service, kill, note } = parts;
  note(`weather: ${kind}`);
  const anyone = (of: string): SimulatedProcess | undefined =>
    oneOf(
      service.processes.filter(({ name, state }) => name.startsWith(of) && state === "running"),
      faults.number(`whom ${at}`, 0, 1),
    );
  switch (kind) {
    case "psp-down":
      return leave(hosts.psp, faults.number(`away ${at}`, 2_000, 900_000), parts);
    case "norce-down":
      return leave(hosts.norce, faults.number(`away ${at}`, 2_000, 900_000), parts);
    case "engine-down":
      return leave("engine", faults.number(`away ${at}`, 500, 40_000), parts);
    case "clock-jumps": {
      const ms = Math.round(faults.number(`jump ${at}`, -90_000, 90_000));
      for (const process of service.processes) process.skewMs += ms;
      return note(`all clocks are set by ${ms} ms`);
    }
    case "engine-empties":
      return parts.empty();
    case "clock-leaps": {
      const ms = Math.round(faults.number(`leap ${at}`, -mostLeapMs, mostLeapMs));
      const process = anyone("");
      if (process === undefined) return;
      process.skewMs += ms;
      note(`the clock of ${process.name} is set by ${ms} ms, for a while`);
      const back = (): void => {
        // Whoever was started in its place has its clock.
        for (const one of service.processes) if (one.name === process.name) one.skewMs -= ms;
        note(`the clock of ${process.name} is set right`);
      };
      agenda.after(faults.number(`leap back ${at}`, 5_000, 600_000), back, outside);
      return;
    }
    case "other-settings": {
      const process = anyone("");
      if (process === undefined) return;
      service.others.add(process.name);
      kill(process, "other settings");
      const back = (): void => {
        service.others.delete(process.name);
        for (const one of service.processes) if (one.name === process.name) kill(one, "the settings of all");
      };
      agenda.after(faults.number(`settings back ${at}`, 20_000, 600_000), back, outside);
      return;
    }
    case "restarts": {
      const process = anyone("worker");
      if (process !== undefined) service.stop(process, () => kill(process, "deployed anew"));
      return;
    }
    case "web-dies": {
      const process = anyone("web");
      if (process !== undefined) kill(process, "weather");
    }
  }
}

function leave(host: string, ms: number, { agenda, away, note }: WeatherParts): void {
  away.add(host);
  note(`${host} is away for ${Math.round(ms)} ms`);
  agenda.after(ms, () => away.delete(host), outside);
}
