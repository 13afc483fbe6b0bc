import { createHash } from "node:crypto";
import { Readable } from "node:stream";
import type { LifecycleRule, S3Client } from "@aws-sdk/client-s3";
import type { BegunUploads } from "./begun-uploads.ts";
import { StorageUnreadable, StorageUnwritable, StorageUrlRefused, StoredFileLost } from "./failures.ts";
import { type ByteRange, checkKey, type Storage, type Stored } from "./storage.ts";

/** S3's least for all parts but the last; one part is held in memory while it is sent. */
const PART_BYTES = 5 * 1024 * 1024;
/** Uploads at once: with one part each and its copy on the way this bounds memory to 40 MB however much is fetched. */
const UPLOADS = 4;

interface S3Place {
  readonly bucket: string;
  /** Empty, or ends with a slash. */
  readonly prefix: string;
  readonly region: string;
  /** Null: Amazon's own. */
  readonly endpoint: string | null;
  /** `https://host/bucket/key` rather than `https://bucket.host/key`: what most other than Amazon's speak. */
  readonly pathStyle: boolean;
  /** Null: the AWS SDK's usual sources (AWS_ACCESS_KEY_ID, a profile, the machine's role). */
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string } | null;
}

/**
 * `s3://[key:secret@]bucket[/prefix]?region=eu-central-1[&endpoint=https://host][&path_style=true]`. Path style is the default with an endpoint.
 * @throws StorageUrlRefused
 */
export function s3Place(url: string): S3Place {
  const parsed = URL.parse(url);
  if (!parsed?.hostname) throw new StorageUrlRefused(url, "It names no bucket.");
  for (const name of parsed.searchParams.keys()) {
    if (!["region", "endpoint", "path_style"].includes(name))
      throw new StorageUrlRefused(url, `It has the unknown option ${JSON.stringify(name)}.`);
  }
  const endpoint = parsed.searchParams.get("endpoint");
  if (endpoint !== null && !/^https?:$/.test(URL.parse(endpoint)?.protocol ?? ""))
    throw new StorageUrlRefused(url, "Its endpoint is not a web address.");
  const region = parsed.searchParams.get("region") ?? (endpoint === null ? null : "us-east-1");
  if (region === null) throw new StorageUrlRefused(url, "It names no region.");
  const prefix = parsed.pathname.replace(/^\/+|\/+$/g, "");
  if (prefix !== "") checkKey(prefix);
  return {
    bucket: parsed.hostname,
    prefix: prefix === "" ? "" : `${prefix}/`,
    region,
    endpoint,
    pathStyle: (parsed.searchParams.get("path_style") ?? String(endpoint !== null)) === "true",
    credentials:
      parsed.username === ""
        ? null
        : { accessKeyId: decodeURIComponent(parsed.username), secretAccessKey: decodeURIComponent(parsed.password) },
  };
}

/** An S3-compatible bucket as storage. The SDK (26 MB, 0.2 s to load) is loaded with the first use. */
export function s3Storage(url: string, uploads: BegunUploads | null = null): Storage {
  const place = s3Place(url);
  const { bucket: Bucket, prefix } = place;
  const where = `bucket ${Bucket}${prefix ? `/${prefix.slice(0, -1)}` : ""}${place.endpoint ? ` at ${new URL(place.endpoint).host}` : ""}`;
  let opened: ReturnType<typeof open> | undefined;
  const s3 = () => {
    opened ??= open(place, uploads && ((key, upload) => uploads.begun({ place: where, key, upload })));
    return opened;
  };
  const gate = turnstile(UPLOADS);

  return {
    place: where,

    async put(key, body): Promise<Stored> {
      const Key = prefix + checkKey(key);
      const { client, Upload } = await s3();
      return gate(async () => {
        const counted = counting(body);
        const upload = new Upload({
          client,
          params: { Bucket, Key, Body: Readable.from(counted.bytes) },
          queueSize: 1,
          partSize: PART_BYTES,
          leavePartsOnError: false,
        });
        try {
          await upload.done();
        } catch (cause) {
          throw counted.broken() ?? new StorageUnwritable(where, cause); // what is left of it is aborted later, if it was not just now
        }
        // The object is there: a row too many is no reason to say otherwise.
        if (upload.uploadId) await uploads?.ended({ place: where, key: Key, upload: upload.uploadId }).catch(() => {});
        return counted.stored();
      });
    },

    async read(key, { from = 0, to }: ByteRange = {}): Promise<Readable> {
      const { client, commands } = await s3();
      const Range = from > 0 || to !== undefined ? `bytes=${from}-${to ?? ""}` : undefined;
      const found = await client
        .send(new commands.GetObjectCommand({ Bucket, Key: prefix + checkKey(key), ...(Range ? { Range } : {}) }))
        .catch((cause: unknown) => {
          throw isNone(cause) ? new StoredFileLost(key, cause) : new StorageUnreadable(where, cause);
        });
      return found.Body as Readable;
    },

    async head(key) {
      const { client, commands } = await s3();
      const found = await client.send(new commands.HeadObjectCommand({ Bucket, Key: prefix + checkKey(key) })).catch((cause: unknown) => {
        if (isNone(cause)) return null;
        throw new StorageUnreadable(where, cause);
      });
      return found ? { sizeBytes: found.ContentLength ?? 0 } : null;
    },

    async delete(key) {
      const { client, commands } = await s3();
      await client.send(new commands.DeleteObjectCommand({ Bucket, Key: prefix + checkKey(key) }));
    },

    async *list(wanted) {
      const { client, commands } = await s3();
      let token: string | undefined;
      do {
        const page = await client.send(
          new commands.ListObjectsV2Command({ Bucket, Prefix: prefix + wanted, ...(token ? { ContinuationToken: token } : {}) }),
        );
        for (const { Key = "", Size = 0 } of page.Contents ?? []) yield { key: Key.slice(prefix.length), sizeBytes: Size };
        token = page.NextContinuationToken;
      } while (token);
    },

    ...(uploads && {
      async abortUploads(of) {
        const { client, commands } = await s3();
        const left = await uploads.left(where, "before" in of ? of : { prefix: prefix + of.prefix });
        for (const upload of left) {
          const named = { Bucket, Key: upload.key, UploadId: upload.upload };
          await client.send(new commands.AbortMultipartUploadCommand(named)).catch((cause: unknown) => {
            if ((cause as Error).name !== "NoSuchUpload" && !isNone(cause)) throw new StorageUnwritable(where, cause);
          });
          await uploads.ended(upload);
        }
        return left.length;
      },
    }),

    async clearsBrokenUploads() {
      const { client, commands } = await s3();
      try {
        const { Rules = [] } = await client.send(new commands.GetBucketLifecycleConfigurationCommand({ Bucket }));
        return Rules.some((rule) => rule.Status === "Enabled" && abortsUploads(rule, `${prefix}recordings/`));
      } catch (cause) {
        // We may not ask, or it is no server that has such rules.
        return (cause as Error).name === "NoSuchLifecycleConfiguration" ? false : null;
      }
    },
  };
}

/** A rule for uploads may be bound to a prefix, and to nothing else. */
function abortsUploads({ AbortIncompleteMultipartUpload, Filter, Prefix }: LifecycleRule, ours: string): boolean {
  return AbortIncompleteMultipartUpload?.DaysAfterInitiation !== undefined && ours.startsWith(Filter?.Prefix ?? Prefix ?? "");
}

/** @param begun told of every upload in parts before its first part goes out */
async function open({ region, endpoint, pathStyle, credentials }: S3Place, begun: ((key: string, upload: string) => Promise<void>) | null) {
  const [commands, { Upload }] = await Promise.all([import("@aws-sdk/client-s3"), import("@aws-sdk/lib-storage")]);
  const client: S3Client = new commands.S3Client({
    region,
    forcePathStyle: pathStyle,
    // Checksums only where S3 demands them: several compatible servers refuse the newer trailers. Ours is the SHA-256 of the read-back.
    requestChecksumCalculation: "WHEN_REQUIRED",
    responseChecksumValidation: "WHEN_REQUIRED",
    ...(endpoint ? { endpoint } : {}),
    ...(credentials ? { credentials } : {}),
  });
  if (begun) {
    client.middlewareStack.add(
      (next, context) => async (args) => {
        const answered = await next(args);
        const [{ Key = "" }, { UploadId }] = [args.input as { Key?: string }, answered.output as { UploadId?: string }];
        if (context.commandName === "CreateMultipartUploadCommand" && UploadId) await begun(Key, UploadId);
        return answered;
      },
      { step: "initialize", name: "rememberUploads" },
    );
  }
  return { client, commands, Upload };
}

function isNone(cause: unknown): boolean {
  const { name, $metadata } = cause as { name?: string; $metadata?: { httpStatusCode?: number } };
  return name !== "NoSuchBucket" && (name === "NoSuchKey" || name === "NotFound" || $metadata?.httpStatusCode === 404);
}

/** The bytes of `body` as they pass, counted and hashed; remembers when `body` itself broke. */
function counting(body: AsyncIterable<Uint8Array>) {
  const hash = createHash("sha256");
  let sizeBytes = 0;
  let broken: unknown;
  return {
    bytes: (async function* () {
      try {
        for await (const chunk of body) {
          hash.update(chunk);
          sizeBytes += chunk.byteLength;
          yield chunk;
        }
      } catch (error) {
        broken = error;
        throw error;
      }
    })(),
    broken: () => broken,
    stored: (): Stored => ({ sizeBytes, sha256: hash.digest("hex") }),
  };
}

/** Lets so many through at once; the others wait in order. */
function turnstile(most: number) {
  let inside = 0;
  const waiting: (() => void)[] = [];
  return async <T>(work: () => Promise<T>): Promise<T> => {
    if (inside >= most) await new Promise<void>((resolve) => waiting.push(resolve));
    else inside++;
    try {
      return await work();
    } finally {
      const next = waiting.shift();
      if (next) next();
      else inside--;
    }
  };
}
