-- Values of secret headers of agents' tools. Settings hold the ids; nothing but a request to the origin ever reads a value.

create table tool_secrets (
  id uuid primary key,
  origin text not null,                       -- https://host:port it may be sent to
  header text not null,                       -- lower case
  value bytea not null,
  sealed boolean not null,                    -- AES-256-GCM under STORAGE_KEY; false: the house had no key
  made_at timestamptz not null,
  made_by text not null
);

create table engine_usage (                   -- what an engine says it has used for a call: one row a message, and one a session of engines that say nothing
  id uuid primary key,
  call_id uuid not null references calls on delete cascade,
  engine text not null,
  session text,
  at timestamptz not null,
  of text not null,                           -- response, transcription, session ...
  raw jsonb not null,                         -- as the engine told it: numbers and names of models, no words
  cost numeric,                               -- at the prices of that day; null: there was none for it
  currency text
);
create index engine_usage_call on engine_usage (call_id);
create unique index engine_usage_session on engine_usage (engine, session) where of = 'session';
