package usage_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"aksio.app/shared/ai"
	"aksio.app/shared/auth"
	"aksio.app/shared/fault"
	"aksio.app/shared/id"
	"aksio.app/shared/usage"
)

// silent is a database that says nothing any more.
type silent struct{}

func (silent) Exec(ctx context.Context, _ string, _ ...any) (pgconn.CommandTag, error) {
	<-ctx.Done()
	return pgconn.CommandTag{}, ctx.Err()
}

// TestWhatIsLostIsRecordedBriefly: neither ends it with its student's leaving, nor does it
// wait for ever, and keep a connection, where nobody answers.
func TestWhatIsLostIsRecordedBriefly(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		left, leave := context.WithCancel(t.Context())
		leave()
		began := time.Now()
		err := usage.RecordLost(left, silent{}, id.New[auth.User](), usage.Answering, ai.Usage{})
		if took := time.Since(began); took < time.Second || took > 10*time.Second || fault.KindOf(err) != fault.Unavailable {
			t.Errorf("%v after %s", err, took)
		}
	})
}
