# The words of the pages, English. Each key here is in vi.ftl too; a test keeps the two in step.

product = Loa Làng
skip = Skip to content
nav = Main navigation
nav-phone = Navigation on a phone
nav-more = More
nav-today = Today
nav-bulletins = Bulletins
nav-schedules = Schedule
nav-heard = What was heard
nav-nodes = Nodes
nav-areas = Areas
nav-users = Users
nav-audit = Audit log
waiting-count = { $n ->
    [one] { $n } bulletin waits for approval
   *[other] { $n } bulletins wait for approval
}
language = Language
theme = Theme
theme-auto = As the machine
theme-light = Light
theme-dark = Dark
times-in-zone = Times are in { $x }.
live-lost = The live connection is lost; connecting again. What this page shows may be out of date.

choose = Choose…
optional = optional
cancel = Cancel
copy = Copy
copied = Copied
state = State
field-name = Name
actions = Actions
none = None
never = Never
since = since
form-errors = { $n ->
    [one] One thing needs correcting:
   *[other] { $n } things need correcting:
}
filter-words = Search
filter-all = All
filter-apply = Search
filter-clear = Clear
filter-none = Nothing matches these filters.
filter-from = From
filter-to = To
pager = Pages
pager-page = Page { $n } of { $m }
pager-previous = Previous
pager-next = Next

# Signing in
sign-in = Sign in
sign-out = Sign out
sign-in-lead = Village loudspeaker broadcasting
sign-in-name = Sign-in name
passphrase = Passphrase
passphrase-new = New passphrase
passphrase-again = Passphrase again
passphrase-hint = At least { $n } characters. A sentence that is easy to remember, and known to you alone, is best.
sign-in-help = No account, or passphrase forgotten: ask your administrator for a one-time sign-in link.
welcome = Sign-in link
welcome-name = Welcome, { $x }
welcome-set = Set a passphrase to begin. Your sign-in name is “{ $x }”.
welcome-enter = This link works once, and signs in as “{ $x }”.
welcome-set-button = Set passphrase and sign in
welcome-enter-button = Sign in
welcome-expires = The link is valid until { $x }.
welcome-gone = This link is no longer valid
welcome-gone-why = It has been used, has expired, or was mistyped. Ask your administrator for a fresh one.

# Today
today-sounding = Sounding today
today-sounding-none = Nothing sounds today.
today-waiting = Waiting for your approval
today-waiting-none = No bulletin waits for approval.
today-silent = Nodes offline
nodes-all-online = All nodes are online ({ $n }/{ $m }).
nodes-online-of = { $n }/{ $m } nodes online
nodes-online-short = { $n }/{ $m } online
offline-since = Offline since
never-online = Never online
coverage = { $n }/{ $m } sounded
coverage-long = { $n }/{ $m } nodes sounded

day-upcoming = Upcoming
day-sounding = Sounding
day-done = Done
day-partly = Not everywhere
day-silent = Heard nowhere

# Bulletins
bulletin = Bulletin
bulletin-new = New bulletin
bulletin-edit = Edit bulletin
bulletin-title = Title
bulletin-title-hint = Shown on these pages only; it is not spoken.
bulletin-text = Text
bulletin-class = Class
bulletin-category = Category
bulletin-state = State
bulletin-languages = Tracks
bulletin-author = Author
bulletin-updated = Updated
bulletins-none = No bulletin yet. Write the first one, submit it, then choose when and where it sounds.
bulletin-not-scheduled = The bulletin is approved but not scheduled.
bulletin-not-scheduled-yet = Not scheduled. A bulletin can be scheduled once it is approved.
bulletin-heard = See where this bulletin was heard
back-to-bulletin = Back to the bulletin
revision = Revision { $x }
characters = characters
text-takes = Takes about
text-warnings = Check before submitting
spoken-text = See what the voice will say
save-draft = Save draft
save-submit = Save and submit
edit-makes-revision = This bulletin is approved. Saving makes a new revision that needs approval again; the approved one stops sounding.
rejected-because = Returned by the approver:

class-normal = Normal
class-normal-hint = Sounds when the commune chooses, outside quiet hours.
class-priority = Priority
class-priority-hint = Goes before normal bulletins when times collide.
class-emergency = Emergency
class-emergency-hint = Sounds at once and interrupts everything, in quiet hours too.

state-draft = Draft
state-submitted = Waiting for approval
state-approved = Approved
state-rejected = Returned
state-withdrawn = Withdrawn

do-submit = Submit
do-approve = Approve
do-edit = Edit
do-withdraw = Withdraw
do-reject-open = Return with a comment…
do-reject = Return
reject-comment = Comment
reject-comment-hint = Say what needs changing. The author will read it.

# Tracks
tracks = Tracks
tracks-none = No track yet, so the bulletin cannot sound.
tracks-none-short = None
tracks-speak = Synthetic voice
tracks-speak-hint = The text is spoken by the voice below.
tracks-recorded-later = K'Ho, Mạ, Chu Ru and other languages without a voice: save the draft, then upload a recording on its page.
voice = Voice
track-spoken = Spoken by { $x }
track-recorded = Recording: { $x }
track-queued = Queued
track-working = Making the audio: { $x }%
track-listen = Listen to { $x }
track-failed = The track could not be made.
track-retry = Try again
track-remove = Remove
track-remove-language = Remove the track in { $x }
track-add = Add a track
track-add-button = Add track
track-language = Language
track-language-hint = A track in a language that has one already takes its place.
track-kind = Source
track-kind-recording = Upload a recording
track-kind-recording-hint = Read by a local announcer.
track-kind-speech = Synthetic voice
track-kind-speech-hint = For languages that have a voice.
recording-file = Audio file
recording-hint = WAV, MP3, FLAC, Ogg or M4A, at most { $x }.

history = History
step-created = Written
step-edited = Edited
step-revised = New revision opened
step-submitted = Submitted
step-approved = Approved
step-rejected = Returned
step-withdrawn = Withdrawn
step-track-added = Track added
step-track-removed = Track removed
step-schedule-added = Scheduled
step-schedule-cancelled = Schedule cancelled
step-area-added = Area added
step-node-added = Node added
step-node-enrolled = Node enrolled
step-node-revoked = Node revoked
step-user-added = User added
step-role-given = Role given
step-role-taken = Role taken
step-user-disabled = Account disabled
step-link-issued = Sign-in link issued
step-passphrase-set = Passphrase set
step-signed-in = Signed in
step-signed-out = Signed out
step-sign-in-refused = Sign-in refused
step-plan-signed = Plan signed
step-other = Other

# Schedule
schedule-new = Schedule a bulletin
schedule-add = Save schedule
schedule-next = Coming up
schedule-next-none = Nothing is coming up. Choose an approved bulletin to schedule.
schedule-standing = Standing schedules
schedule-standing-none = No schedule yet.
schedule-rule = When
schedule-places = Where
schedule-next-one = Next
schedule-cancel = Cancel
schedule-cancel-of = Cancel the schedule of “{ $x }”
schedule-bulletin = Approved bulletin
schedule-bulletin-hint = Only approved bulletins can be scheduled.
schedule-no-bulletin = No bulletin is approved yet, so nothing can be scheduled.
schedule-mode = How often
schedule-date = Date
schedule-time = Time
schedule-days = Weekdays
schedule-times = Times of day
schedule-times-hint = For example: 06:00, 17:30
schedule-cron = Cron expression
schedule-cron-hint = Five fields: minute, hour, day, month, weekday (0 is Sunday). For example: 0 6,17 * * 1-6
schedule-from = From
schedule-until = Until the end of
schedule-target = Where
schedule-target-hint = Tick an area for all its nodes, or single nodes. Offline nodes can be ticked too: once they hold the audio, they sound on time by themselves.
mode-once = Once
mode-once-hint = On one day, at one time.
mode-weekly = Repeating
mode-weekly-hint = Daily, or on some weekdays.
mode-cron = Expert
mode-cron-hint = By a cron expression.
schedule-state-active = Active
schedule-state-ended = Ended
schedule-state-cancelled = Cancelled
schedule-state-blocked = Needs approval again
rule-once = Once, { $x }
rule-daily = Daily at { $x }
rule-weekly = { $days } at { $times }
rule-cron = Cron: { $x }
from-date = From { $x }
until-date = until { $x }
weekday-mon = Monday
weekday-tue = Tuesday
weekday-wed = Wednesday
weekday-thu = Thursday
weekday-fri = Friday
weekday-sat = Saturday
weekday-sun = Sunday
nodes-count = { $n ->
    [one] { $n } node
   *[other] { $n } nodes
}
nodes-offline = { $n } offline
nodes-will-sound = { $n ->
    [one] { $n } node will sound
   *[other] { $n } nodes will sound
}
nodes-offline-now = { $n } offline at this moment
preview = Preview
preview-next = First occurrences:
preview-never = With these times, nothing would ever sound.
preview-none = Choose a bulletin, times and places to see the occurrences.

# Areas, nodes
area = Area
area-add = Add area
area-name = Name
area-name-hint = In full, such as: Thôn Liêng Trang, Buôn Đung.
area-level = Level
area-parent = Within
areas-none = No area yet. Add the commune first, then its villages.
node = Node
nodes-none = No node yet. Add one to get an enrolment token for its board.
nodes-zero = No node
node-add = Add node
node-add-in = Add a node in { $x }
node-add-lead = The next step gives a single-use enrolment token. The technician enters it on the board, which makes its own key.
node-add-button = Add and issue a token
node-name = Name
node-name-hint = After its place, such as: Cụm loa nhà văn hóa.
node-serial = Serial number
node-serial-hint = If given, the token works on this board alone.
link = Connection
link-online = Online
link-offline = Offline
link-waiting = Not enrolled
link-revoked = Revoked
node-clock = Clock
clock-good = In sync
clock-drifting = Drifting
clock-unknown = Unknown time
node-cache = Audio cached
cache-ready = { $n }/{ $m } files
node-board = Board
node-temperature = Temperature
node-supply = Supply
node-firmware = Firmware
node-plan = Plan
plan-current = Has plan { $x }
plan-behind = Has plan { $n }, latest is { $m }
node-last = Last occurrence
node-heard = Recent occurrences
node-heard-none = This node has sent no receipt yet.
node-revoke = Revoke
node-revoke-ask = Revoke “{ $x }”?
node-revoke-means = The board is disconnected at once and cannot return with its key. To use it again, add a node and enrol it afresh.
node-revoke-reason = Reason
node-revoke-reason-hint = Kept in the audit log, such as: stolen, replaced.
token = Enrolment token
token-once = The token is shown this once. Copy it, or hand it to the technician.
token-expires = Valid until
token-command = Command for the board
token-alone = Token alone
token-issue = Issue a new token

# What was heard
heard-lead = By the receipts that each node sends.
heard-none = Nothing has sounded yet. Results appear here as nodes sound.
heard-outcome = Outcome
heard-planned = Planned
heard-started = Started
heard-error = Error
heard-duration = Duration
heard-language = Language
outcome-played = Played
outcome-sounding = Sounding
outcome-waiting = No receipt yet
outcome-interrupted = Interrupted
outcome-refused = Refused
outcome-missed = Missed
outcome-failed = Failed

# Users, audit log
user = User
user-add = Add user
user-display-name = Full name
user-name-hint = Lower-case letters without marks, digits, dots. For example: hanh.nguyen
user-add-hint = A one-time link is issued, with which the user sets a passphrase.
user-grants = Roles
user-grants-none = No role
user-last-seen = Last signed in
user-account = Account
user-self = This is your own account. Another administrator changes its roles and state.
user-disable = Disable account
user-disable-hint = Disabling ends every session; the log and the bulletins written stay.
user-link = One-time sign-in link
user-link-once = The link is shown this once.
user-link-give = Give it to { $x } alone
user-link-issue = Issue a sign-in link
grant-add = Give a role
grant-remove = Take away
grant-remove-in = Take away the role in { $x }
role = Role
role-area = In area
role-area-hint = The role holds in this area and all areas below it.
role-author = Author
role-approver = Approver
role-technician = Technician
role-admin = Administrator
account-active = Active
account-invited = Invited
account-disabled = Disabled
audit-total = { $n ->
    [one] { $n } entry
   *[other] { $n } entries
}
audit-at = When
audit-who = Who
audit-step = What
audit-about = On what
audit-controller = Controller

# Error pages
error-status = Error { $x }
error-why = Why:
error-todo = What to do:
error-home = To the page of today
error-code = Code
error-request = Request
error-render = The page could not be made because of a fault in the system. Try again; if it persists, tell your administrator.

# Errors of fields
err-required = Please fill this in.
err-too-long = Too long; at most { $max } characters.
err-not-a-choice = Please choose from the list.
err-bad-character = This character cannot be used: { $x }. Please remove it.
err-bad-date = Not a date or time.
err-past = This time is past. Choose a later one.
err-until-before-from = The last day is before the first.
err-bad-times = “{ $x }” is not a time. Write them as 06:00, 17:30.
err-no-day = Tick at least one weekday.
err-no-target = Tick at least one area or node.
err-bad-cron = The cron expression is wrong: { $x }
err-cron-never = This expression never comes due. Check day and month.
err-unknown-area = The area does not exist, or is not yours.
err-name-taken = This name is taken.
err-bad-name = Use lower-case letters without marks, digits, dots and hyphens only.
err-passphrase-short = Too short; at least { $min } characters.
err-passphrase-differs = The two passphrases differ.
err-sign-in-wrong = Sign-in name or passphrase is wrong.
err-sign-in-limit = Too many attempts. Try again in { $minutes } min.
err-stale-revision = Another person has just edited this bulletin. What you typed is still here; open the latest version in another tab, compare, then save again.
err-no-voice = There is no voice for this language. Upload a recording.
err-no-file = No file chosen.
err-not-audio = This file is no sound, or of a kind that is not supported. Use WAV, MP3, FLAC, Ogg or M4A.
err-audio-truncated = The recording breaks off. Copy it from the recorder again, then upload.
err-audio-too-long = The recording is too long; at most { $x }.
err-audio-silent = The recording is silent. Listen to the file before uploading.
err-file-too-large = The file is too large; at most { $x }.

warn-brackets = The marks [[ ]] and what they enclose are not spoken.
warn-unspeakable = Cannot be spoken and will be skipped: { $x }
warn-long = About { $minutes } minutes long. Several short bulletins are better.
warn-capitals = Words in capitals may be spelt out: { $x }
warn-quiet-hours = Some of it falls in quiet hours (21:00 to 06:00): nodes will refuse it, unless it is an emergency.
warn-no-track = The bulletin has no track yet that can be played.
warn-offline = { $n } of the nodes are offline; they sound if they receive the audio in time.

# Outcomes of forms
done-saved = Draft saved.
done-revision-saved = Revision { $n } saved. It needs approval again.
done-submitted = Submitted.
done-approved = Approved.
done-rejected = Returned with your comment.
done-withdrawn = Withdrawn. Occurrences to come will not sound.
done-track-added = Received. The track is being made.
done-track-removed = Track removed.
done-scheduled = Scheduled. The plan is on its way to the nodes.
done-schedule-cancelled = Schedule cancelled.
done-area-added = Area “{ $x }” added.
done-node-added = Node “{ $x }” added.
done-node-revoked = Node “{ $x }” revoked.
done-user-added = User “{ $x }” added.
done-link-issued = A new sign-in link is issued; the old one no longer works.
done-role-given = Role given.
done-role-taken = Role taken away.
done-user-disabled = Account disabled.
done-welcome = Signed in.
done-signed-out = Signed out.

blocked-own = You wrote this bulletin, so another person approves it.
blocked-tracks = Cannot be approved yet: a track is still being made.
blocked-no-track = Cannot be submitted yet: there is no track.
track-no-espeak = The server lacks the speech program espeak-ng. The administrator installs it with: apt-get install espeak-ng
track-speech-failed = The speech program reported: { $x }

reason-quiet-hours = In quiet hours
reason-preempted = Gave way to a higher class
reason-not-cached = Audio not received in time
reason-node-off = The board was without power or off
reason-clock = The board's clock cannot be trusted
reason-audio = Audio path failed: { $x }
reason-expired = The plan had expired
reason-scope = The signing key has no right over this node
reason-signature = The signature is not valid
reason-sequence = An old plan was sent again
reason-stopped = Stopped by an operator

problem-not-found = There is no such page or item
problem-not-found-todo = Check the address, or go to the page of today. The item may have been removed, or lie outside your area.
problem-forbidden = You may not do this
problem-forbidden-todo = Ask your administrator for a role in that area.
problem-form-expired = The page was open too long to be sent
problem-form-expired-todo = Go back in your browser, reload the page and send it again. What you typed is still there when you go back.
problem-conflict = Not possible in the present state
problem-conflict-todo = Open the page again to see the latest state; another person may just have dealt with it.
problem-too-large = What was sent is too large
problem-too-large-todo = Shorten the text or use a smaller file, then send again.
problem-too-many = Too many requests
problem-too-many-todo = Wait a few minutes and try again.
problem-bad-request = The request could not be read
problem-bad-request-todo = Go back, reload the page and try again.
problem-internal = The system met a fault
problem-internal-todo = Try again in a few minutes. If it persists, give the request id below to your administrator.
problem-unavailable = The system is not ready at this moment
problem-unavailable-todo = Try again in a few minutes.
