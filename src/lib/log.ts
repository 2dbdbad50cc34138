import { pino, type DestinationStream, type Logger } from "pino";

export type { Logger };

/** Where lines go: `process.stdout`, as far as it matters here. */
export interface LogOutput {
  /** What was written and nobody has read yet, in bytes. */
  readonly writableLength: number;
  write(lines: string): unknown;
  on(event: "error", listener: () => void): unknown;
}

/** What waits for a reader of stdout at most: more than that is dropped. */
const mostUnread = 4 * 1024 * 1024;

/**
 * The process's logger: one JSON line per thing done, constant dotted message, facts as fields.
 * Errors are written by name, message, context and stack only, so that nothing a library attached to them gets out.
 * @param dropped hears how many lines were dropped because nobody reads them. @param mixin what every line says besides: a trace's ids.
 */
export function createLog(
  level: string,
  destination?: DestinationStream,
  dropped?: (lines: number) => void,
  mixin: () => object = () => ({}),
): Logger {
  const options = {
    level,
    base: null,
    mixin,
    serializers: { error: errorFacts, err: errorFacts },
  };
  return pino(options, destination ?? turnByTurn(process.stdout, dropped));
}

/**
 * The lines of one turn of the event loop are written together, at its end; nothing waits longer, also when the process ends. A log stops no
 * answer: where its reader stands still or has gone away, lines are dropped and counted, and nobody waits.
 */
export function turnByTurn(output: LogOutput, dropped: (lines: number) => void = () => undefined): DestinationStream {
  let lines = "";
  let count = 0;
  let gone = false;
  const flush = (): void => {
    const [written, of] = [lines, count];
    [lines, count] = ["", 0];
    if (written === "") return;
    if (gone || output.writableLength > mostUnread) dropped(of);
    else output.write(written);
  };
  output.on("error", () => (gone = true));
  process.on("exit", flush);
  return {
    write(line) {
      if (lines === "") setImmediate(flush);
      lines += line;
      count += 1;
    },
  };
}

/** What may be said of an error in a log line. */
function errorFacts(error: unknown): unknown {
  if (!(error instanceof Error)) return typeof error === "string" ? { message: error } : { message: "not an Error" };
  const { name, message, stack } = error;
  const context = "context" in error ? error.context : undefined;
  const known = "kind" in error;
  return {
    name,
    message,
    ...(context === undefined ? {} : { context }),
    // A WorkerError explains itself; of anything else the stack is what finds the bug.
    ...(known ? {} : { stack }),
    ...(error.cause === undefined ? {} : { cause: errorFacts(error.cause) }),
  };
}
