package files_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"google.golang.org/api/option"

	"aksio.app/shared/documents"
	"aksio.app/shared/documents/files"
	"aksio.app/shared/id"
	"aksio.app/shared/uploads"
)

func TestURLIsEmptyWhenNobodySignsIt(t *testing.T) {
	t.Parallel()
	iam := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Error(w, "no", http.StatusForbidden)
	}))
	t.Cleanup(iam.Close)
	bucket := uploads.New(uploads.Config{Bucket: "media", Signer: "reader@aksio.iam"}, option.WithEndpoint(iam.URL), option.WithoutAuthentication())
	document := documents.Document{ID: id.New[documents.Document](), Name: "Lecture", State: documents.Completed}
	if got := files.NewStore(nil, bucket).URL(t.Context(), document); got != "" {
		t.Errorf("got %s", got)
	}
}
