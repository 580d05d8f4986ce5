// Package accounts holds the users, how they sign in, and what they may change
// about themselves.
package accounts

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"aksio.app/shared/auth"
	"aksio.app/shared/courses"
	"aksio.app/shared/database"
	"aksio.app/shared/documents"
	"aksio.app/shared/fault"
	"aksio.app/shared/id"
)

// User is an account.
type User struct {
	ID                  auth.UserID `db:"id"`
	Username            string      `db:"username"`
	Email               string      `db:"email"`
	FirstName           string      `db:"first_name"`
	LastName            string      `db:"last_name"`
	Phone               string      `db:"phone_number"`
	University          *string     `db:"university"`
	StudyLevel          *string     `db:"study_level"`
	StudyYear           *int        `db:"study_year"`
	FieldOfStudy        *string     `db:"field_of_study"`
	Timezone            string      `db:"timezone"` // IANA name
	Language            string      `db:"language"`
	PreferredStudyTime  *string     `db:"preferred_study_time"`
	DailyGoal           *int        `db:"daily_study_goal_minutes"`
	AcquisitionSource   *string     `db:"acquisition_source"`
	AcquisitionDetails  *string     `db:"acquisition_details"`
	Verified            bool        `db:"is_verified"`
	Active              bool        `db:"is_active"`
	LastActive          *time.Time  `db:"last_active_at"`
	OnboardingCompleted bool        `db:"onboarding_completed"`
	StripeCustomer      *string     `db:"stripe_customer_id"`
	Scheduler           string      `db:"scheduler"` // of flashcards: fsrs or sm2
	Created             time.Time   `db:"created_at"`
	Updated             time.Time   `db:"updated_at"`
}

const userColumns = `id, username, email, first_name, last_name, phone_number, university, study_level, study_year,
	field_of_study, timezone, language, preferred_study_time, daily_study_goal_minutes, acquisition_source,
	acquisition_details, is_verified, is_active, last_active_at, onboarding_completed, stripe_customer_id, scheduler,
	created_at, updated_at`

// Profile is what a user prefers. It is made with the user.
type Profile struct {
	ID                   int       `db:"id"`
	Bio                  *string   `db:"bio"`
	LearningGoals        *string   `db:"learning_goals"`
	StudyStyle           string    `db:"study_style"`
	DifficultyPreference string    `db:"difficulty_preference"`
	EmailNotifications   bool      `db:"email_notifications"`
	StudyReminders       bool      `db:"study_reminders"`
	ProgressReports      bool      `db:"progress_reports"`
	MarketingEmails      bool      `db:"marketing_emails"`
	ProfilePublic        bool      `db:"profile_public"`
	ShowProgress         bool      `db:"show_progress"`
	ShowStudyTime        bool      `db:"show_study_time"`
	Created              time.Time `db:"created_at"`
	Updated              time.Time `db:"updated_at"`
}

const profileColumns = `id, bio, learning_goals, study_style, difficulty_preference, email_notifications,
	study_reminders, progress_reports, marketing_emails, profile_public, show_progress, show_study_time,
	created_at, updated_at`

// Streak counts the days in a row on which a user studied. It is made with the
// user. Both days are the day of its creation until there is a first day of study.
type Streak struct {
	ID           int       `db:"id"`
	Current      int       `db:"current_streak_days"`
	Longest      int       `db:"longest_streak_days"`
	Start        string    `db:"current_streak_start"` // YYYY-MM-DD
	LastActivity string    `db:"last_activity_date"`   // YYYY-MM-DD
	Days         int       `db:"total_study_days"`
	Sessions     int       `db:"total_study_sessions"`
	Milestones   []int     `db:"streak_milestones_achieved"` // days
	Created      time.Time `db:"created_at"`
	Updated      time.Time `db:"updated_at"`
}

const streakColumns = `id, current_streak_days, longest_streak_days,
	coalesce(current_streak_start, created_at::date)::text AS current_streak_start,
	coalesce(last_activity_date, created_at::date)::text AS last_activity_date,
	total_study_days, total_study_sessions, streak_milestones_achieved, created_at, updated_at`

// File is a document of the user's as their profile lists it.
type File struct {
	ID               id.ID[File]     `db:"id"`
	Course           courses.ID      `db:"course_id"`
	Name             string          `db:"name"`
	DocumentType     string          `db:"document_type"`
	ContentType      string          `db:"content_type"`
	OriginalFilename string          `db:"original_filename"`
	Size             *int64          `db:"file_size_bytes"` // bytes
	Pages            *int            `db:"page_count"`
	State            documents.State `db:"state"`
	Created          time.Time       `db:"created_at"`
	Updated          time.Time       `db:"updated_at"`
}

const fileColumns = `d.id, d.course_id, d.name, d.document_type, d.content_type, d.original_filename, d.file_size_bytes,
	d.page_count, d.state,
	d.created_at, d.updated_at`

// Account is a user with what belongs to them.
type Account struct {
	User
	Profile Profile
	Streak  Streak
	Files   []File // the newest 20 documents, newest first
}

// Store keeps accounts in the database.
type Store struct {
	db *database.DB
}

// NewStore returns the accounts of the database.
func NewStore(db *database.DB) *Store { return &Store{db: db} }

// Get returns the user's account. A user who is gone or deactivated is
// Unauthenticated: their token has outlived them. One round trip.
func (s *Store) Get(ctx context.Context, user auth.UserID) (Account, error) {
	var batch pgx.Batch
	var account Account
	account.queue(&batch, user)
	if err := s.db.SendBatch(ctx, &batch).Close(); err != nil {
		return Account{}, outlived(err)
	}
	return account, account.check()
}

// queue adds to the batch what reads the account, when its results are closed.
func (a *Account) queue(batch *pgx.Batch, user auth.UserID) {
	read(batch, &a.User, `SELECT `+userColumns+` FROM users WHERE id = $1`, user)
	read(batch, &a.Profile, `SELECT `+profileColumns+` FROM user_profiles WHERE user_id = $1`, user)
	read(batch, &a.Streak, `SELECT `+streakColumns+` FROM user_streaks WHERE user_id = $1`, user)
	batch.Queue(`SELECT `+fileColumns+` FROM documents d JOIN courses c ON c.id = d.course_id AND c.deleted_at IS NULL
		WHERE d.user_id = $1 AND d.deleted_at IS NULL
		ORDER BY d.created_at DESC, d.id DESC
		LIMIT 20`, user).Query(func(rows pgx.Rows) (err error) {
		a.Files, err = pgx.CollectRows(rows, pgx.RowToStructByName[File])
		return err
	})
}

// read queues a query of exactly one row and where to put it.
func read[T any](batch *pgx.Batch, into *T, sql string, args ...any) {
	batch.Queue(sql, args...).Query(func(rows pgx.Rows) (err error) {
		*into, err = pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[T])
		return err
	})
}

func (a *Account) check() error {
	if !a.Active {
		return fault.New(fault.Unauthenticated, "This account is deactivated.").Coded("user_inactive")
	}
	return nil
}

func outlived(err error) error {
	if errors.Is(err, pgx.ErrNoRows) {
		return fault.New(fault.Unauthenticated, "The account of this token is gone. Sign in again.").Coded("user_not_found")
	}
	return err
}
