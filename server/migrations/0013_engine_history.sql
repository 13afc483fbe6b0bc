-- After a call the engine is asked what it remembers of it: what is missing in our rows is filled in, and marked.

alter table utterances
  add column source text not null default 'heard' check (source in ('heard', 'engine')); -- as it happened; or from the engine's history

create table reconciliations (                -- one a call whose engine keeps a history
  call_id uuid primary key references calls,
  status text not null default 'waiting' check (status in ('waiting', 'done', 'not_kept', 'given_up')),
  attempts int not null default 0,
  next_attempt_at timestamptz not null,
  filled int,                                 -- utterances that were missing
  because text,                               -- why the last attempt came to nothing
  done_at timestamptz
);
create index reconciliations_waiting on reconciliations (next_attempt_at) where status = 'waiting';
