import { openPhraseBook, type PhraseBook } from "../../speech/phrases.ts";
import { type HandClock, handClock } from "../clock.ts";
import { type Evi, type EviOptions, startEvi } from "../server.ts";
import { type Client, connect, type Message } from "./client.ts";

/** What a test opens, to be closed behind it, the last first. */
export interface Openings {
  /** A chat. */
  call(on: Evi, query?: Record<string, string>): Promise<Client>;
  /** A service whose clock is moved by hand. */
  byHand(options?: Partial<EviOptions>): Promise<{ evi: Evi; clock: HandClock }>;
  closeAll(): Promise<void>;
}

/** @param book what the services understand; by default nothing: enough where nobody speaks */
export function newOpenings(book: () => PhraseBook = () => openPhraseBook([])): Openings {
  const opened: { close(): Promise<void> }[] = [];
  return {
    async call(on, query = {}) {
      const client = await connect(on.url, query);
      opened.push({
        async close() {
          client.socket.terminate();
          await client.closed;
        },
      });
      return client;
    },
    async byHand(options = {}) {
      const clock = handClock();
      const evi = await startEvi({ port: 0, apiKey: "key", listener: book(), clock, ...options });
      opened.push(evi);
      return { evi, clock };
    },
    async closeAll() {
      for (const one of opened.splice(0).reverse()) await one.close();
    },
  };
}

/** The messages of one type, in order. */
export const of = (client: Client, type: string): Message[] => client.messages.filter((message) => message.type === type);

/** The types of what came, each run of one type counted once. */
export const types = (client: Client): string[] =>
  client.messages.map((message) => message.type).filter((type, at, all) => type !== all[at - 1]);
