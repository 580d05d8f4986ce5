// Package accounts is how the operations on accounts show one.
package accounts

import (
	"time"

	"aksio.app/shared/accounts"
	"aksio.app/shared/auth"
	"aksio.app/shared/courses"
	"aksio.app/shared/documents"
	"aksio.app/shared/id"
)

// User is an account on the wire.
type User struct {
	ID                  auth.UserID `json:"id"`
	Username            string      `json:"username"`
	Email               string      `json:"email"`
	FirstName           string      `json:"first_name"`
	LastName            string      `json:"last_name"`
	Phone               string      `json:"phone_number"`
	Avatar              *string     `json:"avatar" doc:"Address of the picture."`
	University          *string     `json:"university"`
	StudyLevel          *string     `json:"study_level"`
	StudyYear           *int        `json:"study_year"`
	FieldOfStudy        *string     `json:"field_of_study"`
	Timezone            string      `json:"timezone" example:"Europe/Oslo"`
	Language            string      `json:"language"`
	PreferredStudyTime  *string     `json:"preferred_study_time"`
	DailyGoal           *int        `json:"daily_study_goal_minutes"`
	AcquisitionSource   *string     `json:"acquisition_source"`
	AcquisitionDetails  *string     `json:"acquisition_details"`
	Verified            bool        `json:"is_verified"`
	LastActive          *time.Time  `json:"last_active_at"`
	OnboardingCompleted bool        `json:"onboarding_completed"`
	StripeCustomer      *string     `json:"stripe_customer_id"`
	Profile             Profile     `json:"profile"`
	Streak              Streak      `json:"streak"`
	Files               []File      `json:"uploaded_files" doc:"The newest 20 documents, newest first."`
	Created             time.Time   `json:"created_at"`
	Updated             time.Time   `json:"updated_at"`
	Scheduler           string      `json:"scheduler" doc:"What schedules flashcards: fsrs or sm2."`
}

// Profile is what a user prefers, on the wire.
type Profile struct {
	ID                   int       `json:"id"`
	Bio                  *string   `json:"bio"`
	LearningGoals        *string   `json:"learning_goals"`
	StudyStyle           string    `json:"study_style"`
	DifficultyPreference string    `json:"difficulty_preference"`
	EmailNotifications   bool      `json:"email_notifications"`
	StudyReminders       bool      `json:"study_reminders"`
	ProgressReports      bool      `json:"progress_reports"`
	MarketingEmails      bool      `json:"marketing_emails"`
	ProfilePublic        bool      `json:"profile_public"`
	ShowProgress         bool      `json:"show_progress"`
	ShowStudyTime        bool      `json:"show_study_time"`
	Created              time.Time `json:"created_at"`
	Updated              time.Time `json:"updated_at"`
}

// Streak is a user's days of study in a row, on the wire.
type Streak struct {
	ID           int       `json:"id"`
	Current      int       `json:"current_streak_days"`
	Longest      int       `json:"longest_streak_days"`
	Start        string    `json:"current_streak_start" format:"date"`
	LastActivity string    `json:"last_activity_date" format:"date"`
	Days         int       `json:"total_study_days"`
	Sessions     int       `json:"total_study_sessions"`
	Milestones   []int     `json:"streak_milestones_achieved"`
	Created      time.Time `json:"created_at"`
	Updated      time.Time `json:"updated_at"`
}

// File is a document as a profile lists it: what it is, not what it says.
type File struct {
	ID               id.ID[accounts.File] `json:"id"`
	Course           courses.ID           `json:"course"`
	Name             string               `json:"name"`
	DocumentType     string               `json:"document_type"`
	ContentType      string               `json:"content_type"`
	OriginalFilename string               `json:"original_filename"`
	Size             *int64               `json:"file_size_bytes"`
	Pages            *int                 `json:"page_count"`
	Status           documents.Status     `json:"processing_status" enum:"uploading,processing,completed,failed"`
	Created          time.Time            `json:"created_at"`
	Updated          time.Time            `json:"updated_at"`
}

// View shows an account.
func View(a accounts.Account) User {
	user := User{
		ID: a.ID, Username: a.Username, Email: a.Email, FirstName: a.FirstName, LastName: a.LastName, Phone: a.Phone,
		University: a.University, StudyLevel: a.StudyLevel, StudyYear: a.StudyYear, FieldOfStudy: a.FieldOfStudy,
		Timezone: a.Timezone, Language: a.Language, PreferredStudyTime: a.PreferredStudyTime, DailyGoal: a.DailyGoal,
		AcquisitionSource: a.AcquisitionSource, AcquisitionDetails: a.AcquisitionDetails,
		Verified: a.Verified, LastActive: a.LastActive, OnboardingCompleted: a.OnboardingCompleted,
		StripeCustomer: a.StripeCustomer, Profile: Profile(a.Profile), Streak: Streak(a.Streak),
		Files: make([]File, len(a.Files)), Created: a.Created, Updated: a.Updated, Scheduler: a.Scheduler,
	}
	for i, file := range a.Files {
		user.Files[i] = File{
			ID: file.ID, Course: file.Course, Name: file.Name, DocumentType: file.DocumentType, ContentType: file.ContentType,
			OriginalFilename: file.OriginalFilename, Size: file.Size, Pages: file.Pages, Status: file.State.Status(),
			Created: file.Created, Updated: file.Updated,
		}
	}
	return user
}

// Tokens is a pair of tokens on the wire.
type Tokens struct {
	Refresh string `json:"refresh" doc:"For accounts-refresh-token, once; good for 7 days."`
	Access  string `json:"access" doc:"For the Authorization header; good for 15 minutes."`
}

// RefreshToken is what an earlier answer held.
type RefreshToken struct {
	Refresh string `json:"refresh" required:"true" minLength:"1"`
}
