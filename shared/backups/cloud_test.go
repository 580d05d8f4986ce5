package backups_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"google.golang.org/api/option"

	"aksio.app/shared/backups"
	"aksio.app/shared/database/dbtest"
	"aksio.app/shared/fault"
)

// admin speaks as much of the Cloud SQL Admin and Cloud Storage APIs as an export needs.
type admin struct {
	mu       sync.Mutex
	polls    int    // until the operation is done
	refuse   int    // status of the export's answer, if not 200
	failure  string // of the operation
	size     int
	export   string // body of the request
	manifest string // body of the upload
}

func (a *admin) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	defer a.mu.Unlock()
	body, _ := io.ReadAll(r.Body)
	w.Header().Set("Content-Type", "application/json")
	switch {
	case strings.HasSuffix(r.URL.Path, "/instances/main/export"):
		a.export = string(body)
		if a.refuse != 0 {
			w.WriteHeader(a.refuse)
			fmt.Fprintf(w, `{"error": {"code": %d, "message": "Operation failed because another operation was already in progress."}}`, a.refuse)
			return
		}
		fmt.Fprint(w, `{"kind": "sql#operation", "name": "op-1", "status": "PENDING"}`)
	case strings.HasSuffix(r.URL.Path, "/operations/op-1"):
		a.polls--
		status := "RUNNING"
		if a.polls <= 0 {
			status = "DONE"
		}
		failure := ""
		if a.failure != "" && status == "DONE" {
			failure = fmt.Sprintf(`, "error": {"kind": "sql#operationErrors", "errors": [{"kind": "sql#operationError", "code": %q, "message": "no permission"}]}`, a.failure)
		}
		fmt.Fprintf(w, `{"kind": "sql#operation", "name": "op-1", "status": %q%s}`, status, failure)
	case r.Method == http.MethodGet:
		fmt.Fprintf(w, `{"kind": "storage#object", "size": "%d", "crc32c": "yZRlqg=="}`, a.size)
	default:
		a.manifest = string(body)
		fmt.Fprint(w, `{"kind": "storage#object"}`)
	}
}

func TestCloudExport(t *testing.T) {
	t.Parallel()
	run := func(t *testing.T, a *admin) (backups.Manifest, error) {
		server := httptest.NewServer(a)
		t.Cleanup(server.Close)
		exporter := backups.NewCloud(backups.Config{Instance: "p:europe-west1:main", Database: "aksio", Bucket: "dumps"},
			option.WithEndpoint(server.URL+"/"), option.WithHTTPClient(server.Client()))
		backups.PollFast(exporter)
		return backups.New(dbtest.New(t), exporter).Run(t.Context())
	}
	t.Run("waits and verifies", func(t *testing.T) {
		t.Parallel()
		a := &admin{polls: 3, size: 12345}
		m, err := run(t, a)
		if err != nil {
			t.Fatal(err)
		}
		if m.Bytes != 12345 || m.Checksum != "crc32c:yZRlqg==" || m.Exact || !strings.HasPrefix(m.Location, "gs://dumps/database/aksio-") {
			t.Errorf("manifest %+v", m)
		}
		if !strings.Contains(a.export, `"offload":true`) || !strings.Contains(a.export, `"uri":"`+m.Location) || !strings.Contains(a.manifest, "crc32c:yZRlqg==") {
			t.Errorf("asked for %s, stored %s", a.export, a.manifest)
		}
	})
	t.Run("operation fails", func(t *testing.T) {
		t.Parallel()
		if _, err := run(t, &admin{polls: 1, failure: "ERROR_RDBMS"}); err == nil || !strings.Contains(err.Error(), "ERROR_RDBMS") {
			t.Errorf("got %v, want the operation's error", err)
		}
	})
	t.Run("instance is busy", func(t *testing.T) {
		t.Parallel()
		if _, err := run(t, &admin{refuse: http.StatusConflict}); fault.KindOf(err) != fault.Unavailable {
			t.Errorf("got %v, want Unavailable", err)
		}
	})
	t.Run("nothing was written", func(t *testing.T) {
		t.Parallel()
		if _, err := run(t, &admin{polls: 1}); err == nil || !strings.Contains(err.Error(), "empty") {
			t.Errorf("got %v, want it to say that the export is empty", err)
		}
	})
}
