// Package review serves POST /api/v1/assessments/flashcards/{id}/review/.
package review

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"aksio.app/shared/api"
	"aksio.app/shared/auth"
	"aksio.app/shared/database"
	"aksio.app/shared/decimals"
	"aksio.app/shared/flashcards"
	"aksio.app/shared/flashcards/fsrs"
	"aksio.app/shared/flashcards/sm2"
)

func init() {
	api.HandleUser(api.Operation{
		ID:           "flashcards-review",
		Methods:      []string{http.MethodPost},
		Path:         "/api/v1/assessments/flashcards/{id}/review/",
		Summary:      "Grade how well a flashcard was recalled and schedule its next review.",
		Needs:        []api.Resource{database.Resource},
		Status:       http.StatusCreated,
		MaxInstances: 5,
	}, setup)
}

// Request is the grading, by quality_response or by rating.
type Request struct {
	Card flashcards.ID `path:"id"`
	Body Grading
}

// Grading is the body of the request.
type Grading struct {
	ID      *flashcards.ReviewID  `json:"id" nullable:"true" doc:"Of the client's; the same review again changes nothing."`
	Quality *Quality              `json:"quality_response" doc:"0 blackout to 5 perfect."`
	Rating  *Rating               `json:"rating" doc:"1 again, 2 hard, 3 good, 4 easy. Beside quality_response it must say the same: 0 to 2 are again, 3 is hard, 4 good, 5 easy."`
	Seconds *int                  `json:"response_time_seconds" minimum:"0" maximum:"2147483647"`
	Session *flashcards.SessionID `json:"study_session_id" nullable:"true"`
	Device  *string               `json:"device_type" maxLength:"20"`
}

// Quality is a number that old clients write as a text.
type Quality sm2.Grade

// UnmarshalJSON reads 3 and "3".
func (q *Quality) UnmarshalJSON(data []byte) error {
	quality, err := flashcards.ParseQuality(strings.Trim(string(data), `"`))
	*q = Quality(quality)
	return err
}

// Schema describes the quality.
func (Quality) Schema(huma.Registry) *huma.Schema { return numberOrText() }

// Rating is a number or a word.
type Rating fsrs.Rating

// UnmarshalJSON reads 3, "3" and "good".
func (r *Rating) UnmarshalJSON(data []byte) error {
	rating, err := flashcards.ParseRating(strings.Trim(string(data), `"`))
	*r = Rating(rating)
	return err
}

// Schema describes the rating.
func (Rating) Schema(huma.Registry) *huma.Schema { return numberOrText() }

func numberOrText() *huma.Schema {
	return &huma.Schema{OneOf: []*huma.Schema{{Type: huma.TypeInteger}, {Type: huma.TypeString}}}
}

// Response is the review.
type Response struct {
	Body Review
}

// Review is a review on the wire.
type Review struct {
	ID               flashcards.ReviewID   `json:"id"`
	Card             flashcards.ID         `json:"flashcard"`
	Quality          int                   `json:"quality_response"`
	Rating           int                   `json:"rating"`
	Seconds          *int                  `json:"response_time_seconds"`
	Session          *flashcards.SessionID `json:"study_session_id"`
	Device           *string               `json:"device_type"`
	PreviousInterval int                   `json:"previous_interval_days"`
	NewInterval      int                   `json:"new_interval_days"`
	EaseBefore       decimals.Four         `json:"ease_factor_before"`
	EaseAfter        decimals.Four         `json:"ease_factor_after"`
	Due              time.Time             `json:"next_review_date" doc:"When the card comes back."`
	Scheduler        string                `json:"scheduler" enum:"fsrs,sm2"`
	Created          time.Time             `json:"created_at"`
}

func setup(env *api.Env) (api.UserHandler[Request, Response], error) {
	db, err := database.Open(env)
	if err != nil {
		return nil, err
	}
	store := flashcards.NewStore(db)
	return func(ctx context.Context, user auth.User, req *Request) (*Response, error) {
		grade, err := flashcards.GradeOf((*sm2.Grade)(req.Body.Quality), (*fsrs.Rating)(req.Body.Rating))
		if err != nil {
			return nil, err
		}
		report := flashcards.NewReview{Grade: grade, Seconds: req.Body.Seconds, Session: req.Body.Session, Device: req.Body.Device}
		if req.Body.ID != nil {
			report.ID = *req.Body.ID
		}
		r, err := store.Review(ctx, user.ID, req.Card, report)
		if err != nil {
			return nil, err
		}
		return &Response{Review{
			r.ID, r.Card, r.Quality, r.Rating, r.Seconds, r.Session, r.Device, r.PreviousInterval, r.NewInterval,
			decimals.Four(r.EaseBefore), decimals.Four(r.EaseAfter), r.Due, r.Scheduler, r.Created,
		}}, nil
	}, nil
}
