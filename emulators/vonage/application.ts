import { z } from "zod";
import type { Settings } from "./settings.ts";
import { httpUrl, method } from "./wire.ts";

/** An application's voice webhooks, as its owner can read and change them. See https://developer.vonage.com/en/api/application.v2. */

const webhook = (longestMs: number, usual: "GET" | "POST") =>
  z.strictObject({
    address: httpUrl,
    http_method: method.default(usual),
    connection_timeout: z.int().min(300).max(1_000).optional(),
    /** How some SDKs spell it. */
    connect_timeout: z.int().min(300).max(1_000).optional(),
    socket_timeout: z.int().min(1_000).max(longestMs).optional(),
  });

const Voice = z.strictObject({
  webhooks: z
    .strictObject({
      answer_url: webhook(5_000, "GET").optional(),
      fallback_answer_url: webhook(5_000, "GET").optional(),
      event_url: webhook(10_000, "POST").optional(),
    })
    .default({}),
  signed_callbacks: z.boolean().default(true),
  region: z.enum(["na-east", "na-west", "eu-east", "eu-west", "apac-sng", "apac-australia"]).optional(),
  conversations_ttl: z.int().min(0).max(744).optional(),
  leg_persistence_time: z.int().min(0).max(31).optional(),
  payment_enabled: z.boolean().optional(),
});
type Voice = z.infer<typeof Voice>;

/** What `PUT /v2/applications/{id}` takes. Other capabilities are kept as they come: this network has only a voice. */
export const ChangeApplication = z.looseObject({
  name: z.string().min(1),
  capabilities: z.looseObject({ voice: Voice.optional() }).default({}),
});
export type ChangeApplication = z.infer<typeof ChangeApplication>;

/** Where a webhook goes, and how long it may take. */
export interface Hook {
  readonly url: string;
  readonly method: "GET" | "POST";
  readonly connectMs: number;
  readonly answerMs: number;
}

/** The one application of this network. Its webhooks are those of the flags until somebody changes them by the Application API. */
export class Application {
  readonly id: string;
  readonly publicKeyPem: string;
  readonly #settings: Settings;
  #shown: ChangeApplication;

  constructor(settings: Settings) {
    this.id = settings.applicationId;
    this.publicKeyPem = settings.publicKeyPem;
    this.#settings = settings;
    const { answerUrl, answerMethod, fallbackUrl, eventUrl, eventMethod } = settings;
    const webhooks = {
      ...(answerUrl ? { answer_url: { address: answerUrl, http_method: answerMethod } } : {}),
      ...(fallbackUrl ? { fallback_answer_url: { address: fallbackUrl, http_method: answerMethod } } : {}),
      ...(eventUrl ? { event_url: { address: eventUrl, http_method: eventMethod } } : {}),
    };
    this.#shown = { name: "Emulated application", capabilities: { voice: { webhooks, signed_callbacks: true } } };
  }

  get answer(): Hook | null {
    return this.#hook("answer_url", this.#settings.answerTimeoutMs);
  }

  get fallback(): Hook | null {
    return this.#hook("fallback_answer_url", this.#settings.answerTimeoutMs);
  }

  get event(): Hook | null {
    return this.#hook("event_url", this.#settings.eventTimeoutMs);
  }

  get signs(): boolean {
    return this.#shown.capabilities.voice?.signed_callbacks ?? true;
  }

  /** As the Application API shows it. */
  view(): Record<string, unknown> {
    return {
      id: this.id,
      ...this.#shown,
      keys: { public_key: this.publicKeyPem },
      privacy: { improve_ai: false },
      _links: { self: { href: `/v2/applications/${this.id}` } },
    };
  }

  /** Replaces everything that can be changed. The key cannot: it is the flag's. */
  change(to: ChangeApplication): void {
    const { keys: _keys, privacy: _privacy, id: _id, _links, ...rest } = to;
    this.#shown = rest as ChangeApplication;
  }

  #hook(name: keyof Voice["webhooks"], answerMs: number): Hook | null {
    const hook = this.#shown.capabilities.voice?.webhooks[name];
    if (!hook) return null;
    return {
      url: hook.address,
      method: hook.http_method,
      connectMs: hook.connection_timeout ?? hook.connect_timeout ?? this.#settings.connectTimeoutMs,
      answerMs: hook.socket_timeout ?? answerMs,
    };
  }
}
