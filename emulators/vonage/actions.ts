import { openSpeechWatch } from "../speech/vad.ts";
import { collectInput } from "./collect-input.ts";
import { Conversation } from "./conversation.ts";
import { dial } from "./dialling.ts";
import { endsOf } from "./endpoints.ts";
import { inputEvent, notifyEvent } from "./events.ts";
import type { Leg } from "./leg.ts";
import { detectionOf } from "./machine-detection.ts";
import { SILENCE, tone } from "./mix.ts";
import type { Action, ActionNamed, Ncco } from "./ncco.ts";
import type { Player } from "./player.ts";
import { layoutOf } from "./recording.ts";
import type { Run } from "./run.ts";
import { streamSound, talkSound } from "./sounds.ts";
import type { Switchboard } from "./switchboard.ts";
import type { Target } from "./webhooks.ts";

/** Performs one action. Resolves when the next one may begin; with another NCCO when that takes this one's place. */
type Performance<Name extends Action["action"]> = (
  exchange: Switchboard,
  leg: Leg,
  run: Run,
  action: ActionNamed<Name>,
) => Promise<Ncco | null>;

/** Every action of an NCCO. See https://developer.vonage.com/en/voice/voice-api/ncco-reference. */
const table: { readonly [Name in Action["action"]]: Performance<Name> } = {
  record,
  connect,
  conversation,
  talk,
  stream,
  input,
  notify,
  wait,
  transfer,
};

/** Performs one action of a leg's NCCO; see `Performance`. */
export function performAction(exchange: Switchboard, leg: Leg, run: Run, action: Action): Promise<Ncco | null> {
  return (table[action.action] as Performance<Action["action"]>)(exchange, leg, run, action as never);
}

/** Without an end condition the recording runs beside what follows, until the conversation ends; with one it blocks until that is met. */
async function record(exchange: Switchboard, leg: Leg, run: Run, action: ActionNamed<"record">): Promise<null> {
  const { recordings } = exchange.parts;
  if (action.beepStart) await playAndWait(run, leg.prompts, tone(1_000, 300));
  const recording = recordings.start(leg, {
    layout: layoutOf(action),
    format: action.format ?? "mp3",
    target: targetOf(action, leg),
    transcription: action.transcription ? targetOf(action.transcription, leg) : null,
  });
  const { endOnSilence, endOnKey, timeOut } = action;
  if (endOnSilence === undefined && endOnKey === undefined && timeOut === undefined) return null;
  await untilRecorded(exchange, leg, run, { endOnSilence, endOnKey, timeOut });
  await run.until(recordings.finish(recording, exchange.regionUrl(leg)));
  return null;
}

function untilRecorded(
  exchange: Switchboard,
  leg: Leg,
  run: Run,
  { endOnSilence, endOnKey, timeOut }: Record<"endOnSilence" | "timeOut", number | undefined> & { readonly endOnKey: string | undefined },
): Promise<void> {
  return run.wait<void>((done) => {
    const undo: (() => void)[] = [];
    if (timeOut !== undefined) undo.push(leg.after(timeOut * 1_000, () => done()));
    if (endOnKey !== undefined) {
      const pressed = (digit: string): void => {
        if (digit === endOnKey) done();
      };
      leg.onKey.add(pressed);
      undo.push(() => leg.onKey.delete(pressed));
    }
    if (endOnSilence !== undefined) {
      const ear = openSpeechWatch();
      const stop = exchange.parts.ticker.onTick(() => {
        ear.push(leg.said ?? SILENCE);
        if (ear.silentMs >= endOnSilence * 1_000) done();
      });
      undo.push(() => {
        stop();
        ear.free();
      });
    }
    return () => {
      for (const one of undo) one();
    };
  });
}

/** Rings another party into the leg's conversation, and lasts until that party is gone. */
async function connect(exchange: Switchboard, leg: Leg, run: Run, action: ActionNamed<"connect">): Promise<Ncco | null> {
  const [to] = action.endpoint;
  if (!exchange.parts.calls.take()) {
    exchange.trouble(
      leg,
      `Capacity limit reached: the connect to ${to.type} exceeds ${exchange.parts.settings.callsPerSecond} calls per second.`,
    );
    return null;
  }
  const from = action.from ?? exchange.parts.settings.number.slice(1);
  const child = exchange.open(
    {
      ...endsOf(to, from),
      direction: "outbound",
      events: targetOf(action, leg),
      parent: leg,
      synchronous: action.eventType === "synchronous",
      ledger: leg.plan.ledger,
    },
    leg.conversation,
  );
  const instead = await run.wait<Ncco | null>((done) => {
    let replied: Ncco | null = null;
    child.replies = (ncco) => {
      replied = ncco;
      done(ncco);
    };
    // the last replies may still be under way when the leg is gone
    child.whenOver(() => void Promise.all([...child.asked]).then(() => done(replied)));
    const { onAnswer, shaken } = to.type === "phone" ? to : {};
    child.aside = onAnswer !== undefined;
    if (shaken !== undefined)
      child.plan.ledger.note(child.uuid, "comes with an Identity header of its own (shaken), which nobody here checks");
    const tone = action.ringbackTone ?? onAnswer?.ringbackTone ?? onAnswer?.ringback;
    if (tone !== undefined) void ringback(exchange, leg, run, child, tone);
    dial(exchange, child, to, {
      ringS: action.timeout,
      limitS: action.limit,
      detection: detectionOf(action.advancedMachineDetection ?? action.advanced_machine_detection, action.machineDetection),
      proceed: () => void (onAnswer && exchange.parts.introduce(exchange, child, onAnswer.url)),
    });
    return () => {};
  });
  if (instead) exchange.end(child, "platform");
  return instead;
}

/** Plays a tone again and again to who waits, until the other party is joined to them or gone. */
async function ringback(exchange: Switchboard, leg: Leg, run: Run, child: Leg, url: string): Promise<void> {
  const waits = (): boolean => !run.stopped && !child.over && (!child.talking || child.aside);
  const sound = await streamSound(url, 0).catch((problem: Error) => exchange.trouble(leg, problem.message));
  if (!sound || !waits()) return;
  void leg.prompts.play(sound, 0);
  const stop = exchange.parts.ticker.onTick(() => {
    if (waits()) return;
    leg.prompts.stop();
    stop();
  });
}

/** Puts the leg into a named conversation for the rest of its call. */
async function conversation(exchange: Switchboard, leg: Leg, run: Run, action: ActionNamed<"conversation">): Promise<null> {
  const room = exchange.findConversation(action.name) ?? new Conversation(action.name);
  leg.muted = action.mute;
  leg.heardBy = action.canSpeak ?? null;
  leg.hearsOnly = action.canHear ?? null;
  exchange.moveTo(leg, room);
  if (action.startOnEnter) room.started = true;
  if (action.endOnExit) {
    leg.whenOver(() => {
      for (const other of [...room.legs]) exchange.end(other, "platform");
    });
  }
  if (action.record && room.recordings.size === 0) {
    exchange.parts.recordings.start(leg, {
      layout: { kind: "mono" },
      format: "mp3",
      target: targetOf(action, leg),
      transcription: action.transcription ? targetOf(action.transcription, leg) : null,
    });
  }
  const [music] = action.musicOnHoldUrl ?? [];
  if (music) void holdMusic(exchange, leg, run, room, music);
  return forTheRest(run);
}

async function holdMusic(exchange: Switchboard, leg: Leg, run: Run, room: Conversation, url: string): Promise<void> {
  const sound = await streamSound(url, 0).catch((problem: Error) => exchange.trouble(leg, problem.message));
  if (!sound || run.stopped || room.started) return;
  void leg.prompts.play(sound, 0);
  const stop = exchange.parts.ticker.onTick(() => {
    if (!room.started && !run.stopped) return;
    leg.prompts.stop();
    stop();
  });
}

/** Moves the leg into an existing conversation, for the rest of its call. */
async function transfer(exchange: Switchboard, leg: Leg, run: Run, action: ActionNamed<"transfer">): Promise<null> {
  const uuid = action.conversationId ?? action.conversation_id ?? "";
  const room = exchange.findConversation(uuid);
  if (!room) {
    exchange.trouble(leg, `There is no conversation ${uuid}.`);
    return null;
  }
  leg.muted = action.mute;
  leg.heardBy = action.canSpeak ?? null;
  leg.hearsOnly = action.canHear ?? null;
  exchange.moveTo(leg, room);
  return forTheRest(run);
}

async function talk(_: Switchboard, leg: Leg, run: Run, action: ActionNamed<"talk">): Promise<null> {
  const sound = await run.until(talkSound(action.text, action));
  return prompt(leg, run, sound, action);
}

async function stream(exchange: Switchboard, leg: Leg, run: Run, action: ActionNamed<"stream">): Promise<null> {
  const sound = await run.until(
    streamSound(action.streamUrl[0], action.level).catch((problem: Error) => exchange.trouble(leg, problem.message)),
  );
  return sound ? prompt(leg, run, sound, action) : null;
}

/** With `bargeIn` what follows (an `input`) begins at once, and its first key ends the prompt. */
async function prompt(
  leg: Leg,
  run: Run,
  sound: Int16Array,
  { loop, bargeIn }: { readonly loop: number; readonly bargeIn: boolean },
): Promise<null> {
  if (bargeIn) void leg.prompts.play(sound, loop);
  else await playAndWait(run, leg.prompts, sound, loop);
  return null;
}

async function input(exchange: Switchboard, leg: Leg, run: Run, action: ActionNamed<"input">): Promise<Ncco | null> {
  const target = targetOf(action, leg);
  if (action.mode === "asynchronous") {
    const pressed = (digit: string): void => {
      const body = inputEvent(leg.facts, { digits: digit, timedOut: false }, null, exchange.parts.ticker.now());
      if (target) exchange.parts.webhooks.tell(leg.plan.ledger, target, "input", body);
    };
    leg.onKey.add(pressed);
    run.wait(() => () => leg.onKey.delete(pressed)).catch(() => undefined); // listens as long as this NCCO
    return null;
  }
  const heard = await collectInput(exchange.parts.ticker, leg, run, action);
  leg.prompts.stop();
  if (!target) return null;
  const body = inputEvent(leg.facts, heard.dtmf, heard.speech, exchange.parts.ticker.now());
  return run.until(exchange.askEvent(leg, "input", target, body));
}

async function notify(exchange: Switchboard, leg: Leg, run: Run, action: ActionNamed<"notify">): Promise<Ncco | null> {
  const target: Target = { url: action.eventUrl[0], method: action.eventMethod };
  return run.until(
    exchange.askEvent(leg, "notify", target, notifyEvent(leg.conversation.uuid, action.payload, exchange.parts.ticker.now())),
  );
}

async function wait(_: Switchboard, leg: Leg, run: Run, action: ActionNamed<"wait">): Promise<null> {
  await run.wait<void>((done) => leg.after(action.timeout * 1_000, () => done()));
  return null;
}

async function playAndWait(run: Run, player: Player, sound: Int16Array, loops = 1): Promise<void> {
  await run.wait<void>((done) => {
    void player.play(sound, loops).then(() => done());
    return () => player.stop();
  });
}

function forTheRest(run: Run): Promise<null> {
  return run.wait<null>(() => () => {});
}

/** Where an action's webhooks go: its own URL, else the leg's. */
function targetOf(
  action: { readonly eventUrl?: readonly [string] | undefined; readonly eventMethod: "GET" | "POST" },
  leg: Leg,
): Target | null {
  return action.eventUrl ? { url: action.eventUrl[0], method: action.eventMethod } : leg.plan.events;
}
