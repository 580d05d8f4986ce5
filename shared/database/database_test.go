package database_test

import (
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"aksio.app/shared/database/dbtest"
	"aksio.app/shared/telemetry"
)

// TestTheWaitForThePoolIsCounted has all connections taken while another is asked for.
func TestTheWaitForThePoolIsCounted(t *testing.T) {
	t.Parallel()
	db := dbtest.New(t)
	var conns []*pgxpool.Conn
	for range db.Config().MaxConns {
		conn, err := db.Acquire(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(conn.Release) // a second release does nothing
		conns = append(conns, conn)
	}
	// Long beside what a busy machine may take to get from here to the wait.
	time.AfterFunc(time.Second, conns[0].Release)
	ctx, calls := telemetry.WithDatabaseCalls(t.Context())
	if err := db.Ping(ctx); err != nil {
		t.Fatal(err)
	}
	if waited := calls.Waited(); waited < 20*time.Millisecond {
		t.Errorf("waited %s, want until one was given back", waited)
	}
}

// TestNothingHoldsTheDatabaseForLong: a statement has as long as a call that declares no
// more, and who does nothing keeps no lock and no connection. The server ends the idle
// sessions of instances that sleep, in which the pool's own time-out doesn't run.
func TestNothingHoldsTheDatabaseForLong(t *testing.T) {
	t.Parallel()
	db := dbtest.New(t)
	for setting, want := range map[string]string{
		"statement_timeout":                   "30s",
		"lock_timeout":                        "10s",
		"idle_in_transaction_session_timeout": "1min",
		"idle_session_timeout":                "5min",
	} {
		var got string
		if err := db.QueryRow(t.Context(), `SELECT current_setting($1)`, setting).Scan(&got); err != nil {
			t.Fatal(err)
		}
		if got != want {
			t.Errorf("%s is %s, want %s", setting, got, want)
		}
	}
	if got := db.Config().PingTimeout; got <= 0 || got > 2*time.Second {
		t.Errorf("a connection that went silent is waited for %v", got)
	}
	if got := db.Config().MaxConnIdleTime; got < 30*time.Second || got > time.Minute {
		t.Errorf("the pool keeps idle connections for %s, want 30 s to a minute", got)
	}
	if got := db.Config().MaxConnLifetime + db.Config().MaxConnLifetimeJitter; got > 11*time.Minute {
		t.Errorf("the pool keeps connections for %s", got)
	}
}
