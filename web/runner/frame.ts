// The frame around the worker that runs strangers' programs (runner.html). It is sandboxed without an origin, so the
// browser gives it a process of its own where it can; its policy, which the worker inherits, forbids every connection.
import type { Answer, Question } from "./messages";
import Runner from "./runner?worker&inline";

addEventListener("message", ({ data, source, origin }: MessageEvent<Question>) => {
  if (source !== parent) return;
  const worker = new Runner();
  const answer = (message: Answer) => parent.postMessage(message, { targetOrigin: origin });
  worker.onmessage = (event: MessageEvent<Answer>) => answer(event.data);
  worker.onerror = (event) => {
    const message = event.message || "the worker could not be started";
    answer({ id: data.id, problem: { code: "device_exhausted", message } });
  };
  worker.postMessage(data);
});
parent.postMessage("ready", "*");
