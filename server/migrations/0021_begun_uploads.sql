-- Uploads to an S3 storage that go in parts, from their beginning to their end: what a killed process left of one is found here, and nowhere else.

create table begun_uploads (
  place text not null,                        -- the bucket
  key text not null,                          -- the object's whole name in it
  upload text not null,                       -- S3's upload id
  begun_at timestamptz not null default now(),
  primary key (place, key, upload)
);
