import { keepLatest } from "./keep-latest.ts";

export interface ToolCall {
  readonly id: string;
  name: string;
  args: string;
}

type Maybe = string | null | undefined;
/** As far as a message tells of it: name and arguments come in several, in any order. */
type WireCall = { readonly call_id?: Maybe; readonly name?: Maybe; readonly arguments?: Maybe };

/** What the agent wants called, by response, until that is complete; and the calls whose results it waits for. */
export class ToolCalls {
  private readonly byResponse = new Map<string, Map<string, ToolCall>>();
  private readonly out = new Set<string>();

  /** Is a result still to come? */
  get waiting(): boolean {
    return this.out.size > 0;
  }

  note(response: string, call: WireCall): void {
    if (call.call_id == null) return;
    const calls = this.byResponse.get(response) ?? new Map<string, ToolCall>();
    keepLatest(this.byResponse, response, calls);
    const known = calls.get(call.call_id) ?? { id: call.call_id, name: "", args: "" };
    known.name = call.name || known.name;
    known.args = call.arguments || known.args;
    calls.set(call.call_id, known);
  }

  /** The response is over: what it wanted called, which is forgotten here. */
  take(response: string): ToolCall[] {
    const calls = [...(this.byResponse.get(response)?.values() ?? [])];
    this.byResponse.delete(response);
    return calls;
  }

  called(id: string): void {
    this.out.add(id);
  }

  answered(id: string): void {
    this.out.delete(id);
  }
}
