#!/usr/bin/env node
// Verifies an evidence file of Earshot: node verify.mjs FILE [--key HEX]
// One file, no dependencies but Node 18 or newer, so that whoever receives an evidence file can keep and read the verifier, too.
//
// Every byte of the file is accounted for. The zip has one permitted form (stored entries, fixed dates and attributes, nothing between or
// behind): headers are made anew from what they say and must be the same bytes. manifest.json names each other file with its size and SHA-256
// and is signed (Ed25519) in signature.json, which has one permitted form as well. So no single bit can change unnoticed.
import { createHash, createPublicKey, verify } from "node:crypto";
import { realpathSync } from "node:fs";
import { open } from "node:fs/promises";
import { fileURLToPath } from "node:url";

/** 1980-01-01 00:00, the earliest a zip can say: the real times are in the manifest. */
const DOS_TIME = 0;
const DOS_DATE = 0x21;
/** Names are UTF-8. */
const FLAGS = 0x0800;
const VERSION = 20;
const MADE_BY = 0x0314;
const ATTRIBUTES = 0o100644 * 65536;
const LOCAL_BYTES = 30;
const CENTRAL_BYTES = 46;
const END_BYTES = 22;

export function localHeader({ name, crc32, size }) {
  const bytes = Buffer.from(name, "utf8");
  const header = Buffer.alloc(LOCAL_BYTES);
  header.writeUInt32LE(0x04034b50, 0);
  header.writeUInt16LE(VERSION, 4);
  header.writeUInt16LE(FLAGS, 6);
  header.writeUInt16LE(0, 8);
  header.writeUInt16LE(DOS_TIME, 10);
  header.writeUInt16LE(DOS_DATE, 12);
  header.writeUInt32LE(crc32, 14);
  header.writeUInt32LE(size, 18);
  header.writeUInt32LE(size, 22);
  header.writeUInt16LE(bytes.length, 26);
  return Buffer.concat([header, bytes]);
}

export function centralHeader({ name, crc32, size, at }) {
  const bytes = Buffer.from(name, "utf8");
  const header = Buffer.alloc(CENTRAL_BYTES);
  header.writeUInt32LE(0x02014b50, 0);
  header.writeUInt16LE(MADE_BY, 4);
  header.writeUInt16LE(VERSION, 6);
  header.writeUInt16LE(FLAGS, 8);
  header.writeUInt16LE(0, 10);
  header.writeUInt16LE(DOS_TIME, 12);
  header.writeUInt16LE(DOS_DATE, 14);
  header.writeUInt32LE(crc32, 16);
  header.writeUInt32LE(size, 20);
  header.writeUInt32LE(size, 24);
  header.writeUInt16LE(bytes.length, 28);
  header.writeUInt32LE(ATTRIBUTES, 38);
  header.writeUInt32LE(at, 42);
  return Buffer.concat([header, bytes]);
}

export function endRecord(entries, centralAt, centralBytes) {
  const end = Buffer.alloc(END_BYTES);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(entries, 8);
  end.writeUInt16LE(entries, 10);
  end.writeUInt32LE(centralBytes, 12);
  end.writeUInt32LE(centralAt, 16);
  return end;
}

const crcTable = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
  return crc;
});

/** CRC-32 as zip has it; feed it its own result for the next piece. */
export function crc32(bytes, before = 0) {
  let crc = ~before;
  for (let i = 0; i < bytes.length; i++) crc = (crc >>> 8) ^ crcTable[(crc ^ bytes[i]) & 0xff];
  return ~crc >>> 0;
}

/** The text of signature.json: the only one permitted for this key and signature (both hex). */
export const signatureText = (key, signature) => `${JSON.stringify({ algorithm: "ed25519", key, signature }, null, 2)}\n`;

/** How a file of the manifest is told; its text is canonical so that the verifier can make it anew. */
export const manifestText = (manifest) => `${JSON.stringify(manifest, null, 2)}\n`;

/** An Ed25519 public key as 64 hex digits. */
export function publicKeyOf(hex) {
  return createPublicKey({
    key: Buffer.concat([Buffer.from("302a300506032b6570032100", "hex"), Buffer.from(hex, "hex")]),
    format: "der",
    type: "spki",
  });
}

class Broken extends Error {}
const must = (holds, problem) => {
  if (!holds) throw new Broken(problem);
};

/**
 * @param {string} path
 * @param {string} [expectedKey] hex; without it any key that fits the signature will do, and the caller should look whose it is
 * @returns {Promise<{ok: true, key: string, manifest: object} | {ok: false, problem: string}>}
 */
export async function verifyEvidence(path, expectedKey) {
  const file = await open(path, "r");
  try {
    return { ok: true, ...(await check(file, (await file.stat()).size, expectedKey)) };
  } catch (error) {
    if (error instanceof Broken) return { ok: false, problem: error.message };
    throw error;
  } finally {
    await file.close();
  }
}

async function check(file, size, expectedKey) {
  must(size > END_BYTES, "It is not an evidence file: too small.");
  const end = await read(file, size - END_BYTES, END_BYTES);
  must(end.readUInt32LE(0) === 0x06054b50, "It does not end as a zip file ends: it is cut off, or something was added.");
  const [count, centralBytes, centralAt] = [end.readUInt16LE(10), end.readUInt32LE(12), end.readUInt32LE(16)];
  must(
    end.equals(endRecord(count, centralAt, centralBytes)) && centralAt + centralBytes === size - END_BYTES,
    "The zip's end record was changed.",
  );
  const entries = readCentral(await read(file, centralAt, centralBytes), count);

  const hashes = new Map();
  let at = 0;
  for (const entry of entries) {
    must(entry.at === at, `There is something between the files, before ${entry.name}.`);
    const header = localHeader(entry);
    must((await read(file, at, header.length)).equals(header), `The zip header of ${entry.name} was changed.`);
    at += header.length;
    must(at + entry.size <= centralAt, `${entry.name} is cut off.`);
    const { sha256, crc } = await digest(file, at, entry.size);
    must(crc === entry.crc32, `${entry.name} was changed: its checksum differs.`);
    hashes.set(entry.name, { bytes: entry.size, sha256, at });
    at += entry.size;
  }
  must(at === centralAt, "There is something behind the last file.");

  const text = async (name) => {
    const found = hashes.get(name);
    must(found !== undefined && found.bytes <= 16 * 1024 * 1024, `${name} is missing.`);
    return read(file, found.at, found.bytes);
  };
  const key = signed(await text("manifest.json"), await text("signature.json"), expectedKey);
  const manifest = JSON.parse((await text("manifest.json")).toString("utf8"));
  must(manifest.format === "earshot-evidence" && manifest.version === 1, "The manifest is not of a version this verifier knows.");
  sameFiles(manifest.files, hashes);
  return { key, manifest };
}

function readCentral(bytes, count) {
  const entries = [];
  const names = new Set();
  let at = 0;
  for (let i = 0; i < count; i++) {
    must(at + CENTRAL_BYTES <= bytes.length, "The zip's directory is cut off.");
    const length = bytes.readUInt16LE(at + 28);
    const name = bytes.subarray(at + CENTRAL_BYTES, at + CENTRAL_BYTES + length).toString("utf8");
    const entry = { name, crc32: bytes.readUInt32LE(at + 16), size: bytes.readUInt32LE(at + 24), at: bytes.readUInt32LE(at + 42) };
    const header = centralHeader(entry);
    must(bytes.subarray(at, at + header.length).equals(header), `The zip's directory was changed at ${JSON.stringify(name)}.`);
    must(!names.has(name), `${name} is there twice.`);
    names.add(name);
    entries.push(entry);
    at += header.length;
  }
  must(at === bytes.length, "There is something behind the zip's directory.");
  return entries;
}

function signed(manifest, signature, expectedKey) {
  let said;
  try {
    said = JSON.parse(signature.toString("utf8"));
  } catch {
    throw new Broken("signature.json was changed.");
  }
  const { key, signature: mark } = said ?? {};
  must(
    /^[0-9a-f]{64}$/.test(key) && /^[0-9a-f]{128}$/.test(mark) && signature.equals(Buffer.from(signatureText(key, mark))),
    "signature.json was changed.",
  );
  must(!expectedKey || expectedKey.toLowerCase() === key, `It is signed with another key than the one expected: ${key}.`);
  let fits = false;
  try {
    fits = verify(null, manifest, publicKeyOf(key), Buffer.from(mark, "hex"));
  } catch {
    // no key at all
  }
  must(fits, "The signature does not fit the manifest.");
  return key;
}

function sameFiles(named, found) {
  const left = new Map(found);
  left.delete("manifest.json");
  left.delete("signature.json");
  for (const { name, bytes, sha256 } of named) {
    const there = left.get(name);
    must(there !== undefined, `${name} is in the manifest and not in the file.`);
    must(there.bytes === bytes && there.sha256 === sha256, `${name} is not the one the manifest names: its SHA-256 differs.`);
    left.delete(name);
  }
  must(left.size === 0, `${[...left.keys()][0]} is not in the manifest.`);
}

async function read(file, at, length) {
  const bytes = Buffer.alloc(length);
  for (let done = 0; done < length; ) {
    const { bytesRead } = await file.read(bytes, done, length - done, at + done);
    must(bytesRead > 0, "It is cut off.");
    done += bytesRead;
  }
  return bytes;
}

async function digest(file, at, length) {
  const hash = createHash("sha256");
  let crc = 0;
  for (let done = 0; done < length; ) {
    const piece = await read(file, at + done, Math.min(1024 * 1024, length - done));
    hash.update(piece);
    crc = crc32(piece, crc);
    done += piece.length;
  }
  return { sha256: hash.digest("hex"), crc };
}

async function main([path, option, key]) {
  if (!path || (option && option !== "--key")) {
    console.error("Usage: verify FILE [--key HEX]");
    return 2;
  }
  let result;
  try {
    result = await verifyEvidence(path, key);
  } catch (error) {
    console.error(`${path} cannot be read: ${error.code ?? error.message}.`);
    return 2;
  }
  if (!result.ok) {
    console.error(`NOT VERIFIED. ${result.problem}`);
    return 1;
  }
  const { manifest } = result;
  console.log(
    `Verified: call ${manifest.call}, made ${manifest.made_at}, ${manifest.files.length} files, unchanged since they were signed.`,
  );
  console.log(`Signed with the key ${result.key}.`);
  if (!key) console.log("Ask the operator whether that is the installation's key; --key HEX checks it.");
  return 0;
}

// A path with a symbolic link in it is the same program: it must not end in silence, which would look like success.
if (process.argv[1] && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url))
  process.exitCode = await main(process.argv.slice(2));
