import type { KeyObject } from "node:crypto";

export interface ZipEntry {
  readonly name: string;
  readonly crc32: number;
  readonly size: number;
}
export interface EvidenceManifest {
  readonly format: "earshot-evidence";
  readonly version: 1;
  readonly call: string;
  readonly made_at: string;
  readonly made_by: string;
  readonly files: readonly { readonly name: string; readonly bytes: number; readonly sha256: string; readonly what: string }[];
}
export function localHeader(entry: ZipEntry): Buffer;
export function centralHeader(entry: ZipEntry & { readonly at: number }): Buffer;
export function endRecord(entries: number, centralAt: number, centralBytes: number): Buffer;
export function crc32(bytes: Uint8Array, before?: number): number;
export function signatureText(key: string, signature: string): string;
export function manifestText(manifest: EvidenceManifest): string;
export function publicKeyOf(hex: string): KeyObject;
export function verifyEvidence(
  path: string,
  expectedKey?: string,
): Promise<{ ok: true; key: string; manifest: EvidenceManifest } | { ok: false; problem: string }>;
