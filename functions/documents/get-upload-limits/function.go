// Package getuploadlimits serves GET /api/v1/courses/{course}/documents/upload_limits/.
package getuploadlimits

import (
	"context"
	"net/http"

	"aksio.app/shared/api"
	"aksio.app/shared/auth"
	"aksio.app/shared/courses"
	"aksio.app/shared/database"
	"aksio.app/shared/documents"
	"aksio.app/shared/usage"
)

func init() {
	api.HandleUser(api.Operation{
		ID:      "documents-get-upload-limits",
		Methods: []string{http.MethodGet},
		Path:    "/api/v1/courses/{course}/documents/upload_limits/",
		Summary: "Tell which files can be uploaded.",
		Needs:   []api.Resource{database.Resource},
	}, setup)
}

// Request names the course.
type Request struct {
	Course courses.ID `path:"course"`
}

// Response is what a plan allows and what can be read.
type Response struct {
	Body UploadLimits
}

// UploadLimits are what can be uploaded.
type UploadLimits struct {
	MaxBytes       int64    `json:"max_file_size_bytes"`
	MaxMB          float64  `json:"max_file_size_mb" doc:"MiB."`
	MaxDirectBytes int64    `json:"max_direct_upload_bytes" doc:"Of a file sent through documents-upload; larger ones go to the upload_url of documents-create."`
	ContentTypes   []string `json:"allowed_content_types"`
	URLTypes       []string `json:"supported_url_types"`
}

func setup(env *api.Env) (api.UserHandler[Request, Response], error) {
	db, err := database.Open(env)
	if err != nil {
		return nil, err
	}
	store := courses.NewStore(db)
	return func(ctx context.Context, user auth.User, req *Request) (*Response, error) {
		if _, err := store.Get(ctx, user.ID, req.Course); err != nil {
			return nil, err
		}
		resp := new(Response)
		resp.Body.MaxBytes = usage.Free.DocumentBytes
		resp.Body.MaxMB = float64(usage.Free.DocumentBytes) / (1 << 20)
		resp.Body.MaxDirectBytes = documents.DirectBytes
		resp.Body.ContentTypes = documents.ContentTypes()
		resp.Body.URLTypes = []string{} // addresses can't be read yet
		return resp, nil
	}, nil
}
