// Package courses is how the operations on courses show one.
package courses

import (
	"time"

	"aksio.app/shared/courses"
)

// Course is a course on the wire.
type Course struct {
	ID                    courses.ID `json:"id"`
	Name                  string     `json:"name"`
	Description           *string    `json:"description"`
	University            *string    `json:"university"`
	Code                  *string    `json:"course_code"`
	Semester              *string    `json:"semester"`
	AcademicYear          *string    `json:"academic_year"`
	Credits               *int       `json:"credits"`
	Language              string     `json:"language" enum:"en,no,sv,da"`
	SubjectArea           *string    `json:"subject_area"`
	Level                 int        `json:"difficulty_level" doc:"1 beginner to 5 advanced."`
	Color                 string     `json:"color" example:"#3B82F6"`
	Icon                  *string    `json:"icon"`
	StudyGoals            []string   `json:"study_goals"`
	PreferredStudyMethods []string   `json:"preferred_study_methods"`
	StartDate             *string    `json:"start_date" format:"date"`
	EndDate               *string    `json:"end_date" format:"date"`
	ExamDate              *time.Time `json:"exam_date"`
	Active                bool       `json:"is_active"`
	Archived              bool       `json:"is_archived"`
	Favorite              bool       `json:"is_favorite"`
	Documents             int        `json:"total_documents" doc:"Documents that aren't archived."`
	StudyMinutes          int        `json:"total_study_hours" doc:"Minutes, despite the name, of finished study sessions."`
	Completion            float64    `json:"completion_percentage" doc:"0 to 100."`
	DisplayName           string     `json:"display_name"`
	DaysUntilExam         *int       `json:"days_until_exam" doc:"UTC days; 0 on the day, negative after it."`
	ExamSoon              bool       `json:"is_exam_soon" doc:"The exam is within 14 days."`
	Created               time.Time  `json:"created_at"`
	Updated               time.Time  `json:"updated_at"`
}

// View shows a course as it is now.
func View(c courses.Course) Course {
	days := c.DaysUntilExam(time.Now())
	return Course{
		ID: c.ID, Name: c.Name, Description: c.Description, University: c.University, Code: c.Code,
		Semester: c.Semester, AcademicYear: c.AcademicYear, Credits: c.Credits, Language: c.Language,
		SubjectArea: c.SubjectArea, Level: c.Level, Color: c.Color, Icon: c.Icon,
		StudyGoals: c.StudyGoals, PreferredStudyMethods: c.PreferredStudyMethods,
		StartDate: c.StartDate, EndDate: c.EndDate, ExamDate: c.ExamDate,
		Active: c.Active, Archived: c.Archived, Favorite: c.Favorite,
		Documents: c.Documents, DisplayName: c.DisplayName(),
		DaysUntilExam: days, ExamSoon: days != nil && *days >= 0 && *days <= 14,
		Created: c.Created, Updated: c.Updated,
	}
}
