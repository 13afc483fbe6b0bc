-- Journals are kept by rule, too; and what looks for files by their key, or for pairs that were never compared, does not read the whole table.

alter table keep_rules
  drop constraint keep_rules_what_check,
  add constraint keep_rules_what_check check (what in ('audio', 'transcript', 'journal')),
  drop constraint keep_rules_days_check,
  add constraint keep_rules_days_check check (days > 0 or (days = 0 and what = 'journal'));

create index recordings_key on recordings (storage_key) where storage_key is not null;
create index recordings_sealed on recordings (sealed_key) where sealed_key is not null;
create index recordings_uncompared on recordings (call_id)
  where storage_key is not null and status in ('verified', 'failed') and source in ('carrier', 'journal') and not detail ? 'comparison';

alter table deletions add column attempts int not null default 0, add column trouble jsonb;   -- {code, message, remedy} of the last attempt that failed
alter table redactions add column attempts int not null default 0, add column trouble jsonb;
