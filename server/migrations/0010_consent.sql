-- Consent to being recorded, where an agent asks for it; recordings in the engine's own format.

alter table calls
  add column recording_consent text check (recording_consent in ('asked', 'given', 'refused', 'silent')); -- null: nobody asked
alter table recordings drop constraint recordings_format_check;
alter table recordings add constraint recordings_format_check check (format in ('mp3', 'wav', 'ogg', 'mp4'));
