import type { VonageConfig } from "../../config.ts";
import type { Sql } from "../../db/pool.ts";
import type { WebhookId } from "../../ids.ts";
import type { StoredWebhook } from "../webhooks.ts";
import { bad, type Check, good, unknown } from "./doctor-check.ts";
import { readStored } from "./inbox.ts";
import { refusals } from "./signature.ts";

/**
 * Do Vonage's webhooks prove to be Vonage's? Anybody may knock at the door, and our number is no secret, so a refused request says little by itself: it
 * counts when it tells what only Vonage and we know, or when Vonage knows the call it speaks of; and only until the next one that is accepted.
 */
export interface Signatures {
  /** In the last 24 hours, or since the doctor has set the webhooks, when that was later. */
  readonly accepted: number;
  /** After the last accepted one, and not because they were replayed. */
  readonly refused: {
    /** They name a call of ours, or the account's key or application in their token. */
    readonly ours: number;
    /** They name no more than our number, which everybody may know. */
    readonly toOurNumber: number;
    /** The legs and conversations those to our number speak of. */
    readonly named: ReadonlySet<string>;
    readonly others: number;
    /** Why the latest was refused, of those that say most. */
    readonly because: string | null;
  };
  /** When the last one was accepted, within 24 hours. */
  readonly acceptedAt: Date | null;
  /** Were the webhooks set by the doctor within that time? */
  readonly justSet: boolean;
}

const remedies: Readonly<Record<string, string>> = {
  [refusals.absent]: "Turn signed webhooks on in the application (Voice, signed callbacks).",
  [refusals.signature]: "Copy the signature secret from the Vonage dashboard's settings into VONAGE_SIGNATURE_SECRET.",
  [refusals.account]: "VONAGE_API_KEY is another account's than the one that signs.",
  [refusals.application]: "VONAGE_APPLICATION_ID is another application than the one that signs.",
  [refusals.stale]: "Set the server's clock right.",
  [refusals.early]: "Set the server's clock right.",
};

/** @param known does Vonage know a call that those to our number speak of? Null: it was not, or could not be asked */
export function judgeSignatures({ accepted, refused, justSet }: Signatures, known: boolean | null): Check {
  const { ours, toOurNumber, others, because } = refused;
  const all = ours + toOurNumber + others;
  const since = justSet ? "since the webhooks were set" : "in the last 24 hours";
  const were = (count: number, what: string): string => (count === 1 ? `1 ${what} was` : `${count} ${what}s were`);
  const reason = because ?? "no reason was kept";
  const counted = known === true ? ours + toOurNumber : ours;
  if (counted > 0)
    return bad(
      "signatures",
      `${were(counted, "webhook")} refused after the last one that was accepted: ${reason}`,
      remedies[because ?? ""] ?? "Look at the refused webhooks.",
    );
  const callUs = `Call our number once. If that is refused too: ${remedies[because ?? ""] ?? "look at the refused webhooks."}`;
  if (accepted > 0) {
    const said = `${accepted} signed webhooks were accepted ${since}.`;
    if (all === 0) return good("signatures", said);
    const strangers = `${said} ${were(all, "request")} refused since, and may be anybody's`;
    if (toOurNumber === 0) return good("signatures", `${strangers}.`);
    if (known === false) return good("signatures", `${strangers}: Vonage knows no call of those to our number.`);
    return unknown("signatures", `${strangers}; whether Vonage knows a call of those to our number could not be asked.`, callUs);
  }
  if (all === 0) return unknown("signatures", `No webhook has come ${since}; call our number once.`);
  return unknown(
    "signatures",
    `No signed webhook has come ${since}; ${were(all, "webhook")} refused, which may be anybody's: ${reason}`,
    callUs,
  );
}

/** The application's webhooks are ours and signed from now on: what was refused before says nothing any more. */
export async function noteWebhooksSet(sql: Sql, at: Date): Promise<void> {
  await sql.query(
    "insert into settings (name, value) values ('vonage_webhooks_set', $1) on conflict (name) do update set value = excluded.value",
    [JSON.stringify(at)],
  );
}

async function webhooksSetAt(sql: Sql): Promise<Date | null> {
  const { rows } = await sql.query<{ value: unknown }>("select value from settings where name = 'vonage_webhooks_set'");
  const at = new Date(String(rows[0]?.value));
  return Number.isNaN(at.getTime()) ? null : at;
}

/** What the table of webhooks tells. */
export async function readSignatures(
  sql: Sql,
  { number, apiKey, applicationId }: Pick<VonageConfig, "number" | "apiKey" | "applicationId">,
  now: Date,
): Promise<Signatures> {
  const setAt = await webhooksSetAt(sql);
  const dayAgo = new Date(now.getTime() - 24 * 3_600_000);
  const justSet = setAt !== null && setAt > dayAgo;
  const { rows } = await sql.query<{
    accepted: number;
    ours: number;
    to_our_number: (Pick<StoredWebhook, "door" | "method" | "url"> & { body: string })[];
    others: number;
    because: string | null;
    accepted_at: Date | null;
  }>(
    `with day as (
       select received_at, verdict, because, door, method, url, body, headers->'authorization'->'claims' as claims
         from webhooks where carrier = 'vonage' and received_at > $1 and because is distinct from $6),
     last as (select max(received_at) as at from day where verdict <> 'bad_signature'),
     refused as (
       select d.received_at, d.because, d.door, d.method, d.url, d.body, case
           when exists (select from calls c where c.id::text = substring(d.url from '[?&]call=([0-9a-fA-F-]{36})'))
             or d.claims->>'apiKey' = $4 or d.claims->>'applicationId' = $5 then 2
           when position($3 in d.url) > 0 or position(convert_to($3, 'UTF8') in d.body) > 0 then 1 else 0 end as weight
         from day d, last where d.verdict = 'bad_signature' and d.received_at > $2 and d.received_at > coalesce(last.at, '-infinity'))
     select (select count(*)::int from day where verdict <> 'bad_signature' and received_at > $2) as accepted,
       (select count(*)::int from refused where weight = 2) as ours,
       (select coalesce(json_agg(json_build_object('door', door, 'method', method, 'url', url, 'body', encode(body, 'base64'))), '[]')
          from refused where weight = 1) as to_our_number,
       (select count(*)::int from refused where weight = 0) as others,
       (select because from refused order by weight desc, received_at desc limit 1) as because, (select at from last) as accepted_at`,
    [dayAgo, justSet ? setAt : dayAgo, number.replace(/^\+/, ""), apiKey, applicationId, refusals.replayed],
  );
  const found = rows[0];
  const toOurNumber = found?.to_our_number ?? [];
  return {
    accepted: found?.accepted ?? 0,
    refused: {
      ours: found?.ours ?? 0,
      toOurNumber: toOurNumber.length,
      named: new Set(toOurNumber.flatMap((webhook) => namedBy({ ...webhook, body: Buffer.from(webhook.body, "base64") }, now))),
      others: found?.others ?? 0,
      because: found?.because ?? null,
    },
    acceptedAt: found?.accepted_at ?? null,
    justSet,
  };
}

/** The leg and the conversation a request speaks of; nobody has proved that they exist. */
function namedBy(webhook: Pick<StoredWebhook, "door" | "method" | "url" | "body">, receivedAt: Date): string[] {
  try {
    const { question, reading } = readStored({ ...webhook, id: "" as WebhookId, receivedAt });
    const event = reading.understood ? reading.event : null;
    return [question?.leg, question?.conversation, event?.leg, event?.conversation].filter((one) => typeof one === "string");
  } catch {
    return []; // a stranger's nonsense, or cut off when it was stored
  }
}
