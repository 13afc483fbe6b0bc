import { awake, type Mind, think } from "../people/mind.ts";
import type { Line, Person, Step } from "../people/person.ts";
import { openSpeechWatch, type SpeechWatch } from "../speech/vad.ts";
import { KEY_MS, keyTone } from "./keys.ts";
import type { Media } from "./media.ts";
import { type Frame, RATE, SILENCE, tone } from "./mix.ts";
import { Player } from "./player.ts";

/** A person's pause after a key. */
const BETWEEN_KEYS_MS = 160;

export interface PhoneEvents {
  hangUp(): void;
  pressed(digit: string): void;
  /** A line is begun that lasts so long; null when nobody wrote down what the sound says. */
  says(text: string | null, lengthMs: number): void;
  /** The person's tone has sounded (a voicemail box). */
  beeped(): void;
}

/** An emulated person with the receiver at the ear: real voice activity on what is heard, the script's sounds in the mouth. */
export class PersonOnThePhone implements Media {
  readonly #person: Person;
  readonly #sounds: ReadonlyMap<Line, Int16Array>;
  readonly #events: PhoneEvents;
  readonly #mouth = new Player();
  readonly #ear: SpeechWatch = openSpeechWatch();
  #mind: Mind = awake;
  #keys: string[] = [];
  #keyForMs = 0;
  #beeping = false;

  /** @param sounds 16 kHz mono of every line of the person's script */
  constructor(person: Person, sounds: ReadonlyMap<Line, Int16Array>, events: PhoneEvents) {
    this.#person = person;
    this.#sounds = sounds;
    this.#events = events;
  }

  speak(): Frame {
    const frame = this.#mouth.frame();
    if (this.#beeping && !this.#mouth.busy) {
      this.#beeping = false;
      this.#events.beeped();
    }
    return frame;
  }

  hear(frame: Frame): void {
    const speech = this.#ear.push(frame ?? SILENCE);
    this.#pressOn();
    const [mind, step] = think(this.#mind, this.#person, speech, this.#mouth.busy || this.#keys.length > 0 || this.#keyForMs > 0);
    this.#mind = mind;
    if (step) this.#do(step);
  }

  key(): void {}

  close(): void {
    this.#mouth.stop();
    this.#ear.free();
  }

  #do(step: Step): void {
    if ("say" in step) {
      const sound = this.#sounds.get(step.say) ?? SILENCE;
      this.#events.says(step.say.text ?? null, (sound.length / RATE) * 1_000);
      void this.#mouth.play(sound);
    } else if ("beep" in step) {
      this.#beeping = true;
      void this.#mouth.play(tone(step.beep.hz, step.beep.ms));
    } else if ("press" in step) this.#keys = [...step.press];
    else this.#events.hangUp();
  }

  #pressOn(): void {
    if (this.#keyForMs > 0) {
      this.#keyForMs -= 20;
      return;
    }
    const digit = this.#keys.shift();
    if (digit === undefined) return;
    this.#keyForMs = KEY_MS + BETWEEN_KEYS_MS;
    void this.#mouth.play(keyTone(digit, KEY_MS));
    this.#events.pressed(digit);
  }
}
