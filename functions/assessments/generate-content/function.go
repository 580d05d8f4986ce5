// Package generatecontent serves POST /api/v1/assessments/{id}/generate_content/.
package generatecontent

import (
	"context"
	"net/http"

	view "aksio.app/functions/assessments"
	"aksio.app/shared/ai"
	"aksio.app/shared/ai/provider"
	"aksio.app/shared/api"
	"aksio.app/shared/assessments"
	"aksio.app/shared/auth"
	"aksio.app/shared/database"
	"aksio.app/shared/documents"
	"aksio.app/shared/fault"
	"aksio.app/shared/limits/counter"
)

func init() {
	api.HandleUser(api.Operation{
		ID:      "assessments-generate-content",
		Methods: []string{http.MethodPost},
		Path:    "/api/v1/assessments/{id}/generate_content/",
		Summary: "Make the cards and the quiz of an assessment from the course's material.",
		Needs:   []api.Resource{database.Resource, ai.Resource, counter.Resource},

		Description: "What assessments-create planned is made now, from the documents of the course that were read. The quiz is a draft, which quizzes-update publishes, unless publish is true. " +
			"Its time limit is two minutes a question, at least 15; with use_adaptive it is the assessment's estimated_duration_minutes, or 20. " +
			"If only the cards or only the questions could be made, the answer is a 200 with the status partial; if neither, it has the same body with 422, or 502 if the model failed.",

		Refuses:  []fault.Kind{fault.Exhausted},
		Statuses: []int{http.StatusUnprocessableEntity, http.StatusBadGateway},
		Timeout:  assessments.Timeout,
	}, setup)
}

// Request says what to make them from; without a body, from all of the course.
type Request struct {
	Assessment assessments.ID `path:"id"`
	Body       *Generation
}

// Generation says what to make them from.
type Generation struct {
	Topic     string         `json:"topic" maxLength:"1000" doc:"What they are about; everything otherwise."`
	Content   string         `json:"content" maxLength:"200000" doc:"Text to make them from, besides the documents or instead of those of the course."`
	Documents []documents.ID `json:"document_ids" maxItems:"100" doc:"Of the course; all of its documents otherwise."`
	Adaptive  bool           `json:"use_adaptive" doc:"Fit the quiz to the results of late."`
	Questions int            `json:"question_count" minimum:"0" maximum:"50" doc:"Of the quiz; as the assessment says when 0."`
	Publish   bool           `json:"publish" doc:"Make the quiz ready to be taken; a draft otherwise."`
}

// Response is what was made.
type Response struct {
	Status int
	Body   view.Generated
}

func setup(env *api.Env) (api.UserHandler[Request, Response], error) {
	db, err := database.Open(env)
	if err != nil {
		return nil, err
	}
	model, err := provider.Open(env)
	if err != nil {
		return nil, err
	}
	store := assessments.NewStore(db)
	limiter, err := counter.Open(env, db)
	if err != nil {
		return nil, err
	}
	generator := assessments.NewGenerator(db, model, limiter)
	return func(ctx context.Context, user auth.User, req *Request) (*Response, error) {
		assessment, err := store.Get(ctx, user.ID, req.Assessment)
		if err != nil {
			return nil, err
		}
		var wanted assessments.Request
		if b := req.Body; b != nil {
			wanted = assessments.Request{
				Topic: b.Topic, Content: b.Content, Documents: b.Documents, Adaptive: b.Adaptive,
				Questions: b.Questions, Publish: b.Publish,
			}
		}
		result, err := generator.Generate(ctx, user.ID, assessment, wanted)
		if err != nil {
			return nil, err
		}
		status, body := view.ViewGenerated(result)
		return &Response{status, body}, nil
	}, nil
}
