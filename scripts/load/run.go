package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"golang.org/x/sync/errgroup"

	_ "aksio.app/functions/all"
	"aksio.app/scripts/internal/client"
	"aksio.app/scripts/internal/machine"
	"aksio.app/scripts/internal/postgres"
	"aksio.app/scripts/internal/stack"
	"aksio.app/shared/database"
)

// runConfig says what a run does.
type runConfig struct {
	schedule scheduleConfig
	database string // the address of a PostgreSQL, on which the run makes a database of its own
	file     string // that students upload
	profile  bool   // write one: streams of work that is done are watched again
	dir      string // of the report
	out      io.Writer
}

// unfinished is where warnings are until there is a report to which they belong. Those
// of a run that fails stay there.
func (c runConfig) unfinished() string { return filepath.Join(c.dir, "unfinished.log") }

// measured is what a run has found out.
type measured struct {
	config  runConfig
	machine string
	enrol   time.Duration // what it took to register the students and give them something to study
	took    time.Duration // the day
	calls   int           // that were planned
	callers int           // addresses from which the limits saw students register
	*record
	served      []servedCall
	replays     []servedCall // of streams
	connections []connections
	pool        string // connections that the stack may open
}

// run plays the day on a stack of its own. It is over at the latest when enrolling
// has taken as long as it may, and then the day and its grace, and as long again for a profile.
func run(ctx context.Context, c runConfig) (m *measured, err error) {
	content, err := os.ReadFile(c.file)
	if err != nil {
		return nil, fmt.Errorf("the document to upload: %w", err)
	}
	warnings, err := os.Create(c.unfinished())
	if err != nil {
		return nil, err
	}
	defer warnings.Close()
	calls := newServedLog(slog.NewTextHandler(warnings, &slog.HandlerOptions{Level: slog.LevelWarn}))
	defer restoreLog(slog.Default(), log.Writer(), log.Flags())
	slog.SetDefault(slog.New(calls))

	s, err := open(ctx, c.database, slog.New(calls))
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	m = &measured{config: c, machine: s.machine, pool: s.Settings["DATABASE_POOL"]}

	base := transport(2 * c.schedule.students)
	defer base.CloseIdleConnections()
	students := newStudents(c, s.Address, base, content)
	began := time.Now()
	if err := enrol(ctx, students, c.out); err != nil {
		return nil, err
	}
	m.enrol = time.Since(began)
	if err := s.Delivered(ctx); err != nil { // students see that a document is read before the function that read it ends
		return nil, err
	}
	calls.calls.take() // enrolling isn't measured
	if err := s.monitor.QueryRow(ctx, `SELECT count(*) FROM rate_limits WHERE key LIKE 'register:%'`).Scan(&m.callers); err != nil {
		return nil, err
	}

	if err := m.playDay(ctx, s, students, calls.calls); err != nil {
		return nil, err
	}
	if c.profile {
		m.replays, err = replay(ctx, c, students, calls.calls)
	}
	return m, err
}

// newStudents makes students with names and addresses of their own, who aren't
// registered yet.
func newStudents(c runConfig, address string, base http.RoundTripper, content []byte) []*student {
	students := make([]*student, c.schedule.students)
	for i := range students {
		students[i] = &student{
			signedOut: client.Client{Address: address, HTTP: &http.Client{Transport: forwarded{addressOf(i), base}}},
			file:      &file{filepath.Base(c.file), content},
			name:      "student-" + strings.ToLower(rand.Text()[:12]), password: rand.Text(),
		}
	}
	return students
}

// playDay plays the day and watches what is served, and by how many connections.
func (m *measured) playDay(ctx context.Context, s *arena, students []*student, calls *servedCalls) error {
	c := m.config
	visits := schedule(c.schedule)
	for _, planned := range visits {
		for _, a := range planned.activities {
			m.calls += len(a)
		}
	}
	fmt.Fprintf(c.out, "the day begins: %d visits with %d calls within %s\n", len(visits), m.calls, c.schedule.duration)
	ctx, cancel := context.WithTimeout(ctx, c.schedule.duration+grace(c.schedule.duration))
	defer cancel()
	watching, stop := context.WithCancel(ctx)
	defer stop()
	var watch sync.WaitGroup
	var watchErr error
	began := time.Now()
	watch.Go(func() {
		m.connections, watchErr = observe(watching, s.monitor, began, max(50*time.Millisecond, c.schedule.duration/400))
	})
	m.record = play(ctx, students, visits)
	m.took = time.Since(began)
	stop()
	watch.Wait()
	m.served = calls.take()
	if ctx.Err() != nil && !errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return ctx.Err() // told to stop
	}
	return watchErr
}

// replay lets each student watch again how the document was read, which is done: what
// such a stream takes besides waiting.
func replay(ctx context.Context, c runConfig, students []*student, calls *servedCalls) ([]servedCall, error) {
	ctx, cancel := context.WithTimeout(ctx, c.schedule.duration+grace(c.schedule.duration))
	defer cancel()
	for _, student := range students {
		v := student.begin(func(string, time.Time, error) {})
		v.uploaded = student.document
		if err := errors.Join(v.resume(ctx), v.watch(ctx)); err != nil {
			return nil, fmt.Errorf("replay: %w", err)
		}
	}
	return calls.take(), nil
}

// restoreLog undoes slog.SetDefault, which redirects the older log, too.
func restoreLog(before *slog.Logger, output io.Writer, flags int) {
	slog.SetDefault(before)
	log.SetOutput(output)
	log.SetFlags(flags)
}

// grace is how long what runs at the end of the day may take.
func grace(day time.Duration) time.Duration { return max(15*time.Second, day/4) }

// enrolment is how long one student may take to become one, on a machine where many do.
const enrolment = 30 * time.Second

// enrol registers the students, some at a time.
func enrol(ctx context.Context, students []*student, out io.Writer) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute+time.Duration(len(students))*enrolment/time.Duration(runtime.NumCPU()))
	defer cancel()
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(2 * runtime.NumCPU())
	began := time.Now()
	for _, s := range students {
		group.Go(func() error {
			if err := s.enrol(ctx); err != nil {
				return fmt.Errorf("enrol %s: %w", s.name, err)
			}
			return nil
		})
	}
	err := group.Wait()
	if err == nil {
		fmt.Fprintf(out, "%s registered, each with a course, a document and %d cards: %s\n",
			counted(len(students), "student"), cardsOfStudent, time.Since(began).Round(100*time.Millisecond))
	}
	return err
}

// arena is the stack that is played on.
type arena struct {
	*stack.Stack
	monitor *pgx.Conn // a connection of our own to the database
	machine string    // that it runs on
	closers []func() error
}

// open starts a stack on free ports, with a database of its own and the offline
// model: settings of the environment that lead elsewhere aren't taken over.
func open(ctx context.Context, server string, log *slog.Logger) (_ *arena, err error) {
	if server == "" {
		return nil, errors.New("DATABASE_URL is missing; `make load` brings a database")
	}
	if err := ownDatabase(server); err != nil {
		return nil, err
	}
	emulator := os.Getenv("FIRESTORE_EMULATOR_HOST")
	if emulator != "" {
		host, _, err := net.SplitHostPort(emulator)
		if err := cmp.Or(err, loopback(host)); err != nil {
			return nil, fmt.Errorf("FIRESTORE_EMULATOR_HOST: %w", err)
		}
	}
	a := &arena{}
	defer func() {
		if err != nil {
			err = errors.Join(err, a.close())
		}
	}()
	dir, err := os.MkdirTemp("", "aksio-load")
	if err != nil {
		return nil, err
	}
	a.onClose(func() error { return os.RemoveAll(dir) })
	address, drop, err := postgres.Temporary(ctx, server, "load")
	if err != nil {
		return nil, err
	}
	a.onClose(drop)
	a.Stack, err = stack.Start(ctx, stack.Config{
		Dir: dir,
		Settings: map[string]string{
			"DATABASE_URL":            address,
			"FIRESTORE_EMULATOR_HOST": emulator,
			"TRUSTED_PROXIES":         "1", // each student has an address, as behind the load balancer
		},
		Log: log,
	})
	if err != nil {
		return nil, err
	}
	a.onClose(a.Stack.Close)
	db, err := database.New(database.Config{URL: address, Pool: 1})
	if err != nil {
		return nil, err
	}
	a.machine = machine.Describe(ctx, db)
	db.Close() // its connection must not be counted
	if a.monitor, err = pgx.Connect(ctx, address); err != nil {
		return nil, err
	}
	a.onClose(func() error { return a.monitor.Close(context.WithoutCancel(ctx)) })
	return a, nil
}

func (a *arena) onClose(closer func() error) { a.closers = append(a.closers, closer) }

func (a *arena) close() error {
	var errs []error
	for _, closer := range slices.Backward(a.closers) {
		errs = append(errs, closer())
	}
	a.closers = nil
	return errors.Join(errs...)
}
