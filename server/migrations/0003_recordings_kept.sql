-- Keeping recordings: audits of stored files, rules of retention, holds, deletions with a receipt, redactions, consent.

alter table recordings
  add column audited_at timestamptz,          -- when the file was last read back and found whole
  add column sealed_key text,                 -- the original of a redacted recording: kept, never played
  add column sealed_sha256 text;
create index recordings_audit on recordings (audited_at nulls first, stored_at) where storage_key is not null;
create index recordings_unverified on recordings (stored_at) where status = 'stored';

create table keep_rules (                     -- how long what is kept; the agent's own rule goes before the one for all
  id uuid primary key,
  agent_id uuid references agents,            -- null: every agent without a rule of its own
  what text not null check (what in ('audio', 'transcript')),
  days int not null check (days > 0),
  made_at timestamptz not null,
  made_by text not null                       -- user:<id>, key:<id>, us
);
create unique index keep_rules_one on keep_rules (what, coalesce(agent_id, '00000000-0000-0000-0000-000000000000'));

create table holds (                          -- while a hold is on a call nothing of it is deleted or redacted
  id uuid primary key,
  call_id uuid not null references calls,
  why text not null,
  placed_at timestamptz not null,
  placed_by text not null,
  lifted_at timestamptz,
  lifted_by text
);
create unique index holds_one on holds (call_id) where lifted_at is null;

create table deletions (                      -- what was deleted of a call, when, by whom, and the proof
  id uuid primary key,
  call_id uuid not null references calls,
  asked_at timestamptz not null,
  asked_by text not null,                     -- user:<id>, key:<id>, us
  because text not null,                      -- rule:<id>, or what the person said
  what text[] not null check (what <@ array['audio', 'transcript', 'customer']),
  done_at timestamptz,
  receipt jsonb not null default '{}'         -- see server/src/recordings/keeping/receipt.ts
);
create index deletions_call on deletions (call_id, asked_at);
create index deletions_open on deletions (asked_at) where done_at is null;

create table redactions (                     -- a stretch of a call that is not to be heard: a tone in what is played
  id uuid primary key,
  call_id uuid not null references calls,
  from_ms int not null,                       -- on the call's clock
  to_ms int not null check (to_ms > from_ms),
  side text not null check (side in ('caller', 'agent', 'both')),
  original text not null check (original in ('sealed', 'destroyed')),
  why text not null,
  asked_at timestamptz not null,
  asked_by text not null,
  done_at timestamptz
);
create index redactions_call on redactions (call_id, from_ms);

create table consents (                       -- what a party was told about being recorded, and what was answered
  id uuid primary key,
  call_id uuid not null references calls,
  at timestamptz not null,
  told_by text not null check (told_by in ('agent', 'carrier', 'operator', 'contract')),
  words text,                                 -- as spoken; null when they are kept elsewhere
  words_sha256 text not null,
  answer text not null check (answer in ('given', 'refused', 'silent', 'not_asked')),
  detail jsonb not null default '{}'
);
create index consents_call on consents (call_id, at);
