// The worker that runs strangers' programs. Its own policy forbids every connection (orchestrator/adapters/http/pages.py);
// it has no DOM, no keys, and nothing to say but a task's output.
import { EdgebountyError } from "../protocol/errors";
import { execute } from "./execute";
import type { Answer, Question } from "./messages";

const scope = globalThis as unknown as {
  onmessage: ((event: MessageEvent<Question>) => void) | null;
  postMessage(answer: Answer, transfer?: Transferable[]): void;
};

scope.onmessage = ({ data }) => {
  const { id } = data;
  try {
    const execution = execute(data.work);
    scope.postMessage({ id, execution }, [execution.output.buffer]);
  } catch (error) {
    const code = error instanceof EdgebountyError ? error.code : "device_exhausted";
    scope.postMessage({ id, problem: { code, message: error instanceof Error ? error.message : String(error) } });
  }
};
