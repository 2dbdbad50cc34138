import { pino, type DestinationStream, type Logger } from "pino";

export type { Logger };

/**
 * The process's logger: one JSON line per thing done, constant dotted message, facts as fields.
 * Errors are written by name, message, context and stack only, so that nothing a library attached to them gets out.
 */
export function createLog(level: string, destination?: DestinationStream): Logger {
  const options = {
    level,
    base: null,
    serializers: { error: errorFacts, err: errorFacts },
  };
  return pino(options, destination ?? turnByTurn(pino.destination({ dest: 1, sync: true })));
}

/** The lines of one turn of the event loop are written together, at its end; nothing waits longer, also when the process ends. */
function turnByTurn(output: DestinationStream): DestinationStream {
  let lines = "";
  const flush = (): void => {
    const written = lines;
    lines = "";
    if (written !== "") output.write(written);
  };
  process.on("exit", flush);
  return {
    write(line) {
      if (lines === "") setImmediate(flush);
      lines += line;
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
