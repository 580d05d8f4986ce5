package accounts

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"aksio.app/shared/auth"
	"aksio.app/shared/database"
	"aksio.app/shared/limits"
	"aksio.app/shared/names"
	"aksio.app/shared/patch"
)

// Change holds the fields that a user sets of their own account.
type Change struct {
	Username            patch.Field[string]  `json:"username" db:"username" required:"true"`
	Email               patch.Field[string]  `json:"email" db:"email" required:"true"`
	FirstName           patch.Field[string]  `json:"first_name" db:"first_name" maxLength:"150"`
	LastName            patch.Field[string]  `json:"last_name" db:"last_name" maxLength:"150"`
	Phone               patch.Field[string]  `json:"phone_number" db:"phone_number" maxLength:"20"`
	University          patch.Field[*string] `json:"university" db:"university" maxLength:"200"`
	StudyLevel          patch.Field[*string] `json:"study_level" db:"study_level" enum:"bachelor,master,phd,other,"`
	StudyYear           patch.Field[*int]    `json:"study_year" db:"study_year" minimum:"1" maximum:"10"`
	FieldOfStudy        patch.Field[*string] `json:"field_of_study" db:"field_of_study" maxLength:"200"`
	Timezone            patch.Field[string]  `json:"timezone" db:"timezone" maxLength:"50" example:"Europe/Oslo"`
	Language            patch.Field[string]  `json:"language" db:"language" enum:"en,no,sv,da"`
	PreferredStudyTime  patch.Field[*string] `json:"preferred_study_time" db:"preferred_study_time" enum:"morning,afternoon,evening,night,"`
	DailyGoal           patch.Field[*int]    `json:"daily_study_goal_minutes" db:"daily_study_goal_minutes" minimum:"0" maximum:"2147483647"`
	AcquisitionSource   patch.Field[*string] `json:"acquisition_source" db:"acquisition_source" maxLength:"100"`
	AcquisitionDetails  patch.Field[*string] `json:"acquisition_details" db:"acquisition_details" maxLength:"255"`
	OnboardingCompleted patch.Field[bool]    `json:"onboarding_completed" db:"onboarding_completed"`
	Scheduler           patch.Field[string]  `json:"scheduler" db:"scheduler" enum:"fsrs,sm2" doc:"What schedules flashcards."`
}

// check tidies the change and reports everything that a schema can't see.
func (c *Change) check() error {
	c.Username.Value, c.Email.Value = tidyUsername(c.Username.Value), tidyEmail(c.Email.Value)
	wrong := faults{}
	for field, text := range map[string]*string{
		"first_name": &c.FirstName.Value, "last_name": &c.LastName.Value, "phone_number": &c.Phone.Value, "timezone": &c.Timezone.Value,
		"university": c.University.Value, "field_of_study": c.FieldOfStudy.Value,
		"acquisition_source": c.AcquisitionSource.Value, "acquisition_details": c.AcquisitionDetails.Value,
	} {
		if text == nil {
			continue
		}
		if *text = strings.TrimSpace(*text); strings.ContainsFunc(*text, names.Misleads) {
			wrong.add(field, names.NotOneLine)
		}
	}
	if c.Username.Set {
		wrong.add("username", usernameFaults(c.Username.Value)...)
	}
	if c.Email.Set {
		wrong.add("email", emailFaults(c.Email.Value)...)
	}
	if c.Phone.Set && c.Phone.Value != "" {
		wrong.add("phone_number", phoneFaults(c.Phone.Value)...)
	}
	if c.Timezone.Set && !isTimezone(c.Timezone.Value) {
		wrong.add("timezone", "Enter a time zone by its IANA name, such as Europe/Oslo.")
	}
	return wrong.fault()
}

var timezonePattern = regexp.MustCompile(`^[A-Z][A-Za-z0-9_+-]*(/[A-Za-z0-9_+-]+){0,2}$`)

// isTimezone reports whether the name is in the IANA database. Go knows some
// others, such as Local and the files beside the database's.
func isTimezone(name string) bool {
	if name == "Local" || !timezonePattern.MatchString(name) {
		return false
	}
	_, err := time.LoadLocation(name)
	return err == nil
}

// renameRate is how often a user may try another user name or address: every answer
// tells whether somebody has it.
var renameRate = limits.Rate{Count: 10, Per: time.Hour}

// Update sets the fields of the change and returns the account as it is then.
// Another address has to be verified anew. Names that somebody has are Invalid
// under their fields. One round trip; another one before it where a name is sent, and one
// behind it to tell which is taken.
func (s *Store) Update(ctx context.Context, user auth.UserID, change Change) (Account, error) {
	if err := change.check(); err != nil {
		return Account{}, err
	}
	set, args := database.Changes(change, 2)
	if set == "" {
		return s.Get(ctx, user)
	}
	if change.Username.Set || change.Email.Set {
		if err := limits.Taken(s.db.QueryRow(ctx, `
			SELECT take_turn($1, $2, $3) FROM users
			WHERE id = $4 AND (username <> coalesce(nullif($5, ''), username) OR email <> coalesce(nullif($6, ''), email))`,
			"rename:"+user.String(), renameRate.Count, renameRate.Per, user, change.Username.Value, change.Email.Value)); err != nil {
			return Account{}, err
		}
	}
	args = append([]any{user}, args...)
	if change.Email.Set {
		args = append(args, change.Email.Value)
		set += fmt.Sprintf(", is_verified = is_verified AND lower(email) = lower($%d)", len(args))
	}
	var batch pgx.Batch
	var account Account
	batch.Queue(`UPDATE users SET `+set+`, updated_at = now() WHERE id = $1 AND is_active`, args...)
	account.queue(&batch, user)
	err := s.db.SendBatch(ctx, &batch).Close()
	switch {
	case isTaken(err):
		return Account{}, s.taken(ctx, user, change.Username.Value, change.Email.Value, err)
	case err != nil:
		return Account{}, outlived(err)
	}
	return account, account.check()
}
