import type { Clock } from "../evi/clock.ts";
import { type Item, newItem, shown } from "./items.ts";
import type { Saying } from "./mind.ts";
import { type Mouth, voiceOf } from "./mouth.ts";
import type { Outlet } from "./outlet.ts";
import { pause, type Response } from "./response.ts";
import type { Situation } from "./situation.ts";
import { newId } from "./wire.ts";

interface Parts {
  readonly situation: Situation;
  readonly outlet: Outlet;
  readonly clock: Clock;
  readonly mouth: Mouth;
  /** Speech is generated so many times faster than it is spoken. */
  readonly speed: number;
  /** An answer is in the middle of its first sentence: the moment for faults. */
  speaking(): void;
}

/** The items of a response, from the first event of each to its last. */
export interface ResponseItems {
  /** Begins to render what will be said, ahead of its time. */
  prepare(sentences: readonly string[], voice: Voice): void;
  /** The voice in force. */
  voice(): Voice;
  /**
   * One message of the model: its text a little ahead of its sound, the sound in bursts. Resolves with "out of tokens" when they do not
   * suffice; the message is then still open.
   */
  speak(response: Response, sentences: readonly string[], voice: Voice): Promise<"said" | "cut" | "out of tokens">;
  /** The end of the message being spoken, if there is one, in the order seen of the real service. */
  close(response: Response, status: "completed" | "incomplete"): void;
  /** A call of one of the client's tools. */
  call(response: Response, tool: Saying["call"][number]): void;
  /** Sound of an item that was under way when its response was cancelled. */
  late(response: Response, item: Item): void;
}

interface Voice {
  readonly name: string;
  readonly rate: number;
}

export function openResponseItems({ situation, outlet, clock, mouth, speed, speaking }: Parts): ResponseItems {
  const items: ResponseItems = {
    prepare(sentences, { name, rate }) {
      for (const sentence of sentences) void mouth.say(sentence, name, rate);
    },
    voice() {
      const { voice, format } = situation.session.audio.output;
      return { name: voiceOf(voice, situation.script.agent.voice), rate: format.rate };
    },
    async speak(response, sentences, voice) {
      const item = newItem({ id: newId("item"), type: "message", role: "assistant" });
      const index = response.made.length;
      const aloud = speaksAloud();
      begin(response, item);
      response.speaking = { item, index };
      const where = { response_id: response.id, item_id: item.id, output_index: index, content_index: 0 };
      outlet.send("response.content_part.added", {
        ...where,
        part: aloud ? { type: "audio", transcript: "" } : { type: "text", text: "" },
      });
      const gathered: Buffer[] = [];
      for (const [at, sentence] of sentences.entries()) {
        const spoken = await mouth.say(sentence, voice.name, voice.rate);
        if (response.over) return "cut";
        for (const delta of `${at === 0 ? "" : " "}${sentence}`.match(/\s*\S+/g) ?? []) {
          item.text += delta;
          outlet.send(aloud ? "response.output_audio_transcript.delta" : "response.output_text.delta", { ...where, delta });
        }
        if (!aloud) continue;
        situation.hasSpoken = true;
        for (const [n, delta] of spoken.deltas.entries()) {
          if (at > 0 || n > 0) await pause(clock, delta.ms / speed, response);
          if (response.over) return "cut";
          if (!situation.script.faults.oneDelta) outlet.sound(where, delta.base64);
          item.audioMs += delta.ms;
          if (at === 0 && n === Math.min(2, spoken.deltas.length - 1)) speaking();
          if (response.over) return "cut";
          if (item.audioMs >= response.mostMs) return "out of tokens";
        }
        gathered.push(spoken.pcm);
      }
      if (situation.script.faults.oneDelta && aloud) outlet.sound(where, Buffer.concat(gathered).toString("base64"));
      items.close(response, "completed");
      return "said";
    },
    close(response, status) {
      if (!response.speaking) return;
      const { item, index } = response.speaking;
      response.speaking = null;
      item.status = status;
      const where = { response_id: response.id, item_id: item.id, output_index: index, content_index: 0 };
      if (speaksAloud()) {
        outlet.send("response.output_audio.done", where);
        outlet.send("response.output_audio_transcript.done", { ...where, transcript: item.text });
        outlet.send("response.content_part.done", { ...where, part: { type: "audio", transcript: item.text } });
      } else {
        outlet.send("response.output_text.done", { ...where, text: item.text });
        outlet.send("response.content_part.done", { ...where, part: { type: "text", text: item.text } });
      }
      end(response, item, index);
    },
    call(response, tool) {
      const call = { name: tool.name, call_id: tool.id, arguments: "" };
      const item = newItem({ id: newId("item"), type: "function_call", role: null, call });
      begin(response, item);
      const index = response.made.length - 1;
      const where = { response_id: response.id, item_id: item.id, output_index: index, call_id: tool.id };
      const half = Math.ceil(tool.arguments.length / 2);
      for (const delta of [tool.arguments.slice(0, half), tool.arguments.slice(half)].filter((part) => part !== ""))
        outlet.send("response.function_call_arguments.delta", { ...where, delta });
      call.arguments = tool.arguments;
      item.status = "completed";
      outlet.send("response.function_call_arguments.done", { ...where, name: tool.name, arguments: tool.arguments });
      end(response, item, index);
    },
    late(response, item) {
      const where = { response_id: response.id, item_id: item.id, output_index: response.made.indexOf(item), content_index: 0 };
      const noise = Buffer.alloc((situation.session.audio.output.format.rate / 4) * 2, 0x11).toString("base64");
      for (let i = 0; i < (situation.script.faults.lateDeltas ?? 0); i++) outlet.sound(where, noise);
    },
  };
  return items;

  function speaksAloud(): boolean {
    return situation.session.output_modalities[0] === "audio";
  }

  function begin(response: Response, item: Item): void {
    situation.conversation.add(item);
    response.made.push(item);
    const index = response.made.length - 1;
    outlet.send("response.output_item.added", { response_id: response.id, output_index: index, item: shown(item) });
    outlet.item(item, "added");
  }

  function end(response: Response, item: Item, index: number): void {
    outlet.item(item, "done");
    outlet.send("response.output_item.done", { response_id: response.id, output_index: index, item: shown(item) });
  }
}
