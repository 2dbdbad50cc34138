import type { RequestHandler } from "express";
import type { Logger } from "../lib/log.ts";
import { onlyMethods, sendJson } from "./answers.ts";
import { readBody } from "./body.ts";
import { admit, operate, type OperationParts } from "./operations.ts";
import { headOf, queryOf } from "./request.ts";
import { createRoom } from "./rooms.ts";
import { operationCall } from "./routes.ts";

/** Operators send little, and are few. */
const bounds = { bytes: 16 * 1024 * 1024, requests: 200 };

/** Answers operation URLs: what was asked for, or what has become of it. */
export function answerOperation(parts: OperationParts & { readonly log: Logger }): RequestHandler {
  const room = createRoom(bounds);
  return async (request, response) => {
    onlyMethods(request, "POST", "GET");
    const query = queryOf(request.originalUrl);
    const call = operationCall(request, query);
    const head = headOf(request, query);
    const admitted = admit(parts.config, call, head, parts.now());
    const { bytes: body, leave } = await readBody(request, { limitBytes: parts.config.bodyLimitBytes, room });
    try {
      const answer = await operate(parts, admitted, { ...head, body });
      sendJson(response, 200, answer);
      const facts = { operation: call.operation, operationId: answer.operationId, status: answer.status };
      parts.log.info({ ...call.key, ...facts, byAdmin: admitted.byAdmin }, "operation.answered");
    } finally {
      leave();
    }
  };
}
