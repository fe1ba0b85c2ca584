import type { Admission, Authorize } from "../../src/index.js";

export interface Question {
  readonly answer: (admission: Admission) => void;
  readonly signal: AbortSignal;
}

/** An authorize that answers when the test says so; `asked` resolves with each of its questions in turn. */
export function judge(): { authorize: Authorize; asked: () => Promise<Question> } {
  const questions: Question[] = [];
  let wake = (): void => undefined;
  const authorize: Authorize = (_request, { signal }) =>
    new Promise((answer) => {
      questions.push({ answer, signal });
      wake();
    });
  const asked = async (): Promise<Question> => {
    for (;;) {
      const question = questions.shift();
      if (question !== undefined) return question;
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  };
  return { authorize, asked };
}
