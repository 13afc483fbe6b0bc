import { readFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { people as everyone } from "../people/people.ts";
import { type Line, PeopleFile, type Person } from "../people/person.ts";
import { resample } from "../speech/resample.ts";
import { speak } from "../speech/voice.ts";
import { channelOf, readWav } from "../speech/wav.ts";
import { RATE } from "./mix.ts";

export class BadPeople extends Error {}

/** The emulated people by number, and the sounds of what they say. */
export class Directory {
  readonly #people: Map<string, Person>;
  readonly #folder: string;
  readonly #sounds = new Map<Line, Promise<Int16Array>>();

  private constructor(people: readonly Person[], folder: string) {
    this.#people = new Map(people.map((person) => [person.number, person]));
    this.#folder = folder;
  }

  /**
   * The table of numbers, with a people file laid over it.
   *
   * @throws BadPeople when the file cannot be read or is not what person.ts says
   */
  static async open(file: string | undefined): Promise<Directory> {
    if (!file) return new Directory(everyone, ".");
    try {
      const { people } = PeopleFile.parse(JSON.parse(await readFile(file, "utf8")));
      const directory = new Directory([...everyone, ...people], dirname(resolve(file)));
      // a missing or wrong sound file shall be told now, not in the middle of a call
      await Promise.all(directory.people.flatMap(linesOf).map((line) => "wav" in line && directory.#sound(line, "")));
      return directory;
    } catch (problem) {
      throw new BadPeople(`${file}: ${problem instanceof Error ? problem.message : String(problem)}`);
    }
  }

  get people(): readonly Person[] {
    return [...this.#people.values()];
  }

  /** @param number with or without `+` */
  find(number: string): Person | null {
    return this.#people.get(number.startsWith("+") ? number : `+${number}`) ?? null;
  }

  /** The sounds of all lines of a person, made or read once. */
  async soundsOf(person: Person): Promise<ReadonlyMap<Line, Int16Array>> {
    const lines = linesOf(person);
    const sounds = await Promise.all(lines.map((line) => this.#sound(line, person.voice)));
    return new Map(lines.map((line, place) => [line, sounds[place] ?? new Int16Array(0)]));
  }

  #sound(line: Line, voice: string): Promise<Int16Array> {
    let sound = this.#sounds.get(line);
    if (!sound) {
      sound = "wav" in line ? this.#fromFile(line.wav) : speak(line.text, line.voice ?? voice);
      this.#sounds.set(line, sound);
      sound.catch(() => this.#sounds.delete(line));
    }
    return sound;
  }

  async #fromFile(wav: string): Promise<Int16Array> {
    const sound = readWav(await readFile(resolve(this.#folder, wav)));
    return resample(channelOf(sound, 0), sound.rate, RATE);
  }
}

function linesOf(person: Person): Line[] {
  return person.script.flatMap((step) => ("say" in step ? [step.say] : []));
}
