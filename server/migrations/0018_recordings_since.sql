-- Since when a recording is in its status: missing, failed and deleted had no time of their own.

alter table recordings add column status_at timestamptz; -- null: it came to it before this was kept
update recordings set status_at = case status when 'announced' then announced_at when 'stored' then stored_at when 'verified' then verified_at end;
