package tutor

import (
	"context"
	"encoding/json"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"aksio.app/shared/ai"
)

// How often a draft is written while the model speaks, and when it says nothing:
// well within the 20 s after which messageColumns takes it for interrupted.
const (
	draftEvery   = 2 * time.Second
	draftRenewal = 6 * time.Second
	draftTimeout = 2 * time.Second // of one write; the next one comes soon
)

// draft keeps an answer while it is made, so that of one whose process is killed
// what was said is there. It costs one round trip at the first words and one every
// draftEvery after that. None has to succeed, and none holds up the stream, but that
// its last event waits for a write that is under way.
type draft struct {
	store   *Store
	message Message

	mu   sync.Mutex
	text strings.Builder

	first   sync.Once
	begun   chan struct{} // closed at the first words
	done    chan struct{} // closed at the end
	writing sync.WaitGroup
}

// draft begins to listen for an answer to the message, which is to have the id.
func (s *Store) draft(ctx context.Context, chat Chat, asked Message, answer MessageID) *draft {
	model := s.model.Name()
	d := &draft{store: s, begun: make(chan struct{}), done: make(chan struct{}), message: Message{
		ID: answer, Chat: chat.ID, Role: ai.RoleAssistant, Type: "text", Status: Pending, Parent: asked.ID,
		Attachments: json.RawMessage("[]"), Model: &model, Temperature: &chat.Temperature,
	}}
	d.writing.Go(func() { d.keep(context.WithoutCancel(ctx)) })
	return d
}

// listen returns emit for what the draft is to hear, too.
func (d *draft) listen(emit func(Event) error) func(Event) error {
	return func(e Event) error {
		if e.Text != "" {
			d.mu.Lock()
			d.text.WriteString(e.Text)
			d.mu.Unlock()
			d.first.Do(func() { close(d.begun) })
		}
		return emit(e)
	}
}

// keep writes what has been said until the end.
func (d *draft) keep(ctx context.Context) {
	select {
	case <-d.begun:
	case <-d.done:
		return
	}
	ticker := time.NewTicker(draftEvery)
	defer ticker.Stop()
	written, when := "", time.Time{}
	for {
		d.mu.Lock()
		text := d.text.String()
		d.mu.Unlock()
		if text != written || time.Since(when) >= draftRenewal {
			if d.write(ctx, text) {
				written, when = text, time.Now()
			}
		}
		select {
		case <-ticker.C:
		case <-d.done:
			return
		}
	}
}

func (d *draft) write(ctx context.Context, text string) bool {
	ctx, cancel := context.WithTimeout(ctx, draftTimeout)
	defer cancel()
	message := d.message
	message.Content = text
	var batch pgx.Batch // one transaction
	batch.Queue(hold, message.Chat)
	batch.Queue(write, message.args()...)
	err := d.store.db.SendBatch(ctx, &batch).Close()
	if err != nil {
		slog.WarnContext(ctx, "the draft of an answer wasn't stored", "chat_id", message.Chat, "error", err)
	}
	return err == nil
}

// stop ends the writing; nothing is written afterwards. It waits for a write that
// is under way: one that is broken off takes its connection along.
func (d *draft) stop() {
	close(d.done)
	d.writing.Wait()
}
