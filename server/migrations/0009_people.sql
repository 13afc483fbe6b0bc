-- People who are invited, links to choose a password with, where sessions were opened, and reading the audits in order.

alter table users add column invited_at timestamptz;  -- until a password is chosen

alter table sessions
  add column address text,
  add column program text;                            -- the browser's own words for itself

create table password_links (                         -- one a user: a new one ends the one before
  user_id uuid primary key references users on delete cascade,
  token_hash bytea not null unique,                   -- sha256
  expires_at timestamptz not null
);

create index audits_at on audits (at desc, id desc);
