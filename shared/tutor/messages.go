package tutor

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"

	"aksio.app/shared/ai"
	"aksio.app/shared/auth"
	"aksio.app/shared/database"
	"aksio.app/shared/documents"
	"aksio.app/shared/fault"
	"aksio.app/shared/id"
	"aksio.app/shared/limits"
	"aksio.app/shared/retrieval"
	"aksio.app/shared/usage"
)

// MessageID identifies a message.
type MessageID = id.ID[Message]

// Message is what was said once in a chat.
type Message struct {
	ID               MessageID       `db:"id"`
	Chat             ChatID          `db:"chat_id"`
	Number           int             `db:"number"` // in the chat, from 1
	Role             ai.Role         `db:"role"`
	Type             string          `db:"message_type"`
	Content          string          `db:"content"`
	Status           string          `db:"status"` // Complete, Interrupted or Pending
	Citations        []Citation      `db:"citations"`
	Parent           MessageID       `db:"parent_id"`
	Depth            int             `db:"thread_depth"`
	Documents        []documents.ID  `db:"referenced_documents"`
	Attachments      json.RawMessage `db:"attachments"`
	Model            *string         `db:"ai_model"`
	Temperature      *float64        `db:"temperature"`
	PromptTokens     *int            `db:"prompt_tokens"`
	CompletionTokens *int            `db:"completion_tokens"`
	TimeMS           *int            `db:"processing_time_ms"`
	Created          time.Time       `db:"created_at"`
	Updated          time.Time       `db:"updated_at"`
}

const messageColumns = `m.id, m.chat_id, m.number, m.role, m.message_type, m.content,
	CASE WHEN m.status = 'pending' AND m.updated_at < now() - interval '20 s' THEN 'interrupted' ELSE m.status END AS status, m.citations, m.parent_id, m.thread_depth,
	m.referenced_documents, m.attachments, m.ai_model, m.temperature, m.prompt_tokens, m.completion_tokens, m.processing_time_ms,
	m.created_at, m.updated_at`

// What became of a message.
const (
	Complete    = "complete"
	Interrupted = "interrupted" // the client left, the model broke off, or who wrote it was killed
	Pending     = "pending"     // being answered just now
)

// Citation says where in the material the answer has something from. Its words
// were found there. Start and End count code points of the document's text.
type Citation struct {
	Number int `json:"number" doc:"Its mark in the text: [1] is 1. An answer's quotes are numbered in the order in which it cites them; one that it cites again keeps its number."`
	documents.Citation
	DocumentName string `json:"document_name" doc:"As title; its first name."`
	Page         int    `json:"page" doc:"As page_start; its first name."`
}

// New is a message that a student sends.
type New struct {
	Content     string
	Type        string
	Parent      MessageID
	Documents   []documents.ID // to look in; in all of the course's when empty
	Attachments json.RawMessage
}

// Bounds of a message.
const (
	maxContent     = 32_000   // characters
	maxAttachments = 64 << 10 // bytes of JSON
)

// Event is what happens while a message is answered; one field is set.
type Event struct {
	Asked    *Message
	Text     string
	Citation *Citation
	Answered *Message
}

// Exchange is a message and what the tutor said to it. The answer is nil if the
// model failed before it said anything; Failure is why, or why it broke off.
type Exchange struct {
	Asked   Message
	Answer  *Message
	Failure error
}

// NewTutor returns a store that can answer.
func NewTutor(db *database.DB, model ai.Model, limiter limits.Limiter) *Store {
	return &Store{db: db, model: model, limiter: limiter, passages: retrieval.NewStore(db, model)}
}

// sources is how many passages an answer may rest on.
const sources = 8

// Send stores the message and answers it from the chat's course. What happens is
// emitted as it happens; an error of emit means that nobody listens any more,
// which ends the answer. The message is kept whatever becomes of the answer.
func (s *Store) Send(ctx context.Context, owner auth.UserID, chatID ChatID, n New, emit func(Event) error) (Exchange, error) {
	if n.Content = strings.TrimSpace(n.Content); n.Content == "" {
		return Exchange{}, fault.Field("content", "Write something to the tutor.")
	}
	if utf8.RuneCountInString(n.Content) > maxContent {
		return Exchange{}, fault.Field("content", "A message may have %d characters.", maxContent)
	}
	if len(n.Attachments) > maxAttachments {
		return Exchange{}, fault.Field("attachments", "Attachments may have 64 KiB of JSON.")
	}
	chat, before, err := s.context(ctx, owner, chatID, n)
	if err != nil {
		return Exchange{}, err
	}
	asked, answer, err := s.ask(ctx, owner, chat, n)
	if err != nil {
		return Exchange{}, err
	}
	ctx, leave := context.WithCancel(ctx)
	defer leave()
	tell := func(e Event) error {
		err := emit(e)
		if err != nil {
			leave()
		}
		return err
	}
	exchange := Exchange{Asked: asked}
	_ = tell(Event{Asked: &asked})
	place := id.New[Message]()
	if answer != nil && answer.Status == Complete {
		_ = tell(Event{Answered: answer}) // whoever left finds it in the chat
		exchange.Answer = answer
		return exchange, nil
	} else if answer != nil {
		place = answer.ID
	}
	before = slices.DeleteFunc(before, func(m Message) bool { return m.Number >= asked.Number }) // of an earlier try
	draft := s.draft(ctx, chat, asked, place)
	said, err := func() (answered, error) {
		defer draft.stop() // after a panic, too
		return s.answer(ctx, owner, chat, before, n, draft.listen(tell))
	}()
	// Whoever left hears of no failure: an interrupted answer stands for it in the chat,
	// if only an empty one.
	keep := said.text != "" || errors.Is(ctx.Err(), context.Canceled)
	if err != nil {
		exchange.Failure = err
		if keep { // else the call fails, which is logged
			level := slog.LevelWarn
			if errors.Is(ctx.Err(), context.Canceled) { // its reader left
				level = slog.LevelInfo
			}
			slog.Log(ctx, level, "tutor broke off", "chat_id", chat.ID, "streamed", len(said.text), "error", err)
		}
	}
	if err == nil || keep {
		stored, storeErr := s.store(ctx, owner, draft.message, said, err == nil)
		if storeErr != nil {
			return exchange, storeErr
		}
		exchange.Answer = &stored
		if err == nil {
			// Whoever left before the last event finds the answer in the chat.
			_ = tell(Event{Answered: &stored})
		}
	} else {
		defer usage.Settle(ctx, s.db, owner, usage.CallID(asked.ID))
		if said.usage.PromptTokens > 0 {
			err := usage.RecordLost(ctx, s.db, owner, usage.Answering, said.usage)
			if err != nil {
				return exchange, err
			}
		}
	}
	return exchange, nil
}

// context returns the chat and the messages that the model is reminded of, after
// a look whether what the message refers to is the student's and fits the chat. One
// round trip.
func (s *Store) context(ctx context.Context, owner auth.UserID, chat ChatID, n New) (Chat, []Message, error) {
	var batch pgx.Batch
	batch.Queue(`SELECT `+chatColumns+` FROM chats c WHERE `+theirs+` AND c.id = $2`, owner, chat)
	batch.Queue(`
		SELECT * FROM (
			SELECT `+messageColumns+` FROM chat_messages m JOIN chats c ON c.id = m.chat_id
			WHERE `+theirs+` AND m.chat_id = $2 ORDER BY m.number DESC
			LIMIT (SELECT context_window_messages FROM chats WHERE id = $2)
		) newest ORDER BY number`, owner, chat)
	var owned bool
	batch.Queue(`SELECT count(*) = (SELECT count(DISTINCT one) FROM unnest($2::uuid[]) one)
		FROM documents WHERE id = ANY ($2) AND user_id = $1 AND deleted_at IS NULL AND course_id = (SELECT course_id FROM chats WHERE id = $3)`,
		owner, n.Documents, chat).QueryRow(func(row pgx.Row) error { return row.Scan(&owned) })
	var parent bool
	batch.Queue(`SELECT $2::uuid IS NULL OR EXISTS (SELECT FROM chat_messages WHERE id = $2 AND chat_id = $1)`, chat, n.Parent).
		QueryRow(func(row pgx.Row) error { return row.Scan(&parent) })
	found, messages, err := s.read(ctx, &batch)
	switch {
	case err != nil:
		return found, nil, err
	case len(n.Documents) > 0 && !found.reads():
		return found, nil, fault.Field("referenced_documents", "The tutor reads no documents in this chat: it is about no course, or its use_course_context and use_document_context are off.")
	case !owned:
		return found, nil, fault.Field("referenced_documents", "There is no such document in the course of this chat.")
	case !parent:
		return found, nil, fault.Field("parent_message", "There is no such message in this chat.")
	}
	return found, messages, nil
}

// Of an answer that was interrupted before its first word, the place is free for another
// try. What is finished stays as it is.
const (
	free     = `(m.status = 'interrupted' AND m.content = '')`
	finished = `(m.status <> 'pending' AND NOT ` + free + `)`
)

// write takes the chat, the message's id, role, type, content, status,
// citations, parent, documents, attachments, model, temperature, tokens of the
// prompt and of the completion, and milliseconds. It adds the message, or goes on
// with one that isn't finished. The chat's row is locked until the message has its number.
const write = `
	WITH chat AS (
		UPDATE chats SET message_count = message_count + (NOT EXISTS (SELECT FROM chat_messages WHERE id = $2))::int, last_active_at = now(),
			total_tokens_used = total_tokens_used + coalesce($13, 0) + coalesce($14, 0),
			answers = answers + ($15::int IS NOT NULL)::int, answer_ms = answer_ms + coalesce($15, 0),
			has_documents = has_documents OR cardinality($9::uuid[]) > 0
		WHERE id = $1 AND NOT EXISTS (SELECT FROM chat_messages m WHERE m.id = $2 AND ` + finished + `) RETURNING message_count
	)
	INSERT INTO chat_messages AS m (chat_id, id, number, role, message_type, content, status, citations, parent_id, thread_depth,
		referenced_documents, attachments, ai_model, temperature, prompt_tokens, completion_tokens, processing_time_ms)
	SELECT $1, $2, message_count, $3, $4, $5, $6, $7, $8, coalesce((SELECT least(thread_depth + 1, 32) FROM chat_messages WHERE id = $8), 0),
		$9, $10, $11, $12, $13, $14, $15
	FROM chat
	ON CONFLICT (id) DO UPDATE SET content = excluded.content, status = excluded.status, citations = excluded.citations,
		referenced_documents = excluded.referenced_documents, ai_model = excluded.ai_model, prompt_tokens = excluded.prompt_tokens,
		completion_tokens = excluded.completion_tokens, processing_time_ms = excluded.processing_time_ms, updated_at = now()
		WHERE NOT ` + finished + `
	RETURNING ` + messageColumns

// hold locks the chat $1. Another try to write the same message may still be under
// way: who writes behind the lock sees what came of it.
const hold = `SELECT FROM chats WHERE id = $1 FOR NO KEY UPDATE`

// args are what write takes.
func (m Message) args() []any {
	return []any{m.Chat, m.ID, m.Role, m.Type, m.Content, m.Status, nonNil(m.Citations), m.Parent, nonNil(m.Documents), m.Attachments,
		m.Model, m.Temperature, m.PromptTokens, m.CompletionTokens, m.TimeMS}
}

func nonNil[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

// ask stores the student's message, if their plan allows an answer. One that an earlier
// try of the same request stored is returned, with its answer if there is a whole one:
// that costs nothing, and may be what used the plan up. Else the answer is one whose place
// is free, if there is one. Unless that is all, the call of the message's id is to be
// settled. Three round trips, else four or five.
func (s *Store) ask(ctx context.Context, owner auth.UserID, chat Chat, n New) (asked Message, answer *Message, err error) {
	asked.ID = id.For[Message](ctx)
	call := usage.Call{ID: usage.CallID(asked.ID), Tokens: s.model.Weight(cmp.Or(chat.model(), s.model.Name())) * float64(s.model.InputTokens()+chat.MaxTokens)}
	refused := usage.Allow(ctx, s.limiter, s.db, s.model, owner, call)
	if refused == nil {
		defer func() {
			if err != nil || answer != nil && answer.Status == Complete { // no model is asked
				usage.Settle(ctx, s.db, owner, call.ID)
			}
		}()
		// Whoever leaves meanwhile may have asked already: then the answer is to tell of it.
		asking, cancel := context.WithTimeout(context.WithoutCancel(ctx), storeTimeout)
		defer cancel()
		rows, _ := s.db.Query(asking, write, Message{
			ID: asked.ID, Chat: chat.ID, Role: ai.RoleUser, Type: n.Type, Content: n.Content, Status: Complete,
			Parent: n.Parent, Documents: n.Documents, Attachments: n.Attachments,
		}.args()...)
		message, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[Message])
		if !errors.Is(err, pgx.ErrNoRows) {
			return message, nil, database.Fault(err, "chat")
		}
	}
	rows, _ := s.db.Query(ctx, `
		SELECT `+messageColumns+` FROM chat_messages m
		WHERE m.chat_id = $1 AND (m.id = $2 OR m.parent_id = $2 AND m.role = 'assistant' AND (m.status = 'complete' OR `+free+`))
		ORDER BY m.role DESC, m.status LIMIT 2`, chat.ID, asked.ID)
	found, err := pgx.CollectRows(rows, pgx.RowToStructByName[Message])
	if len(found) == 2 {
		answer = &found[1]
	}
	switch {
	case err == nil && answer != nil && answer.Status == Complete:
		return found[0], answer, nil
	case refused != nil:
		return asked, nil, refused
	case err != nil:
		return asked, nil, err
	case len(found) == 0:
		return asked, nil, database.Fault(pgx.ErrNoRows, "chat")
	}
	return found[0], answer, nil
}

// answered is what the model said, as far as it came.
type answered struct {
	text      string
	citations []Citation
	usage     ai.Usage
	time      time.Duration
}

// answer looks for passages and lets the model answer from them.
func (s *Store) answer(ctx context.Context, owner auth.UserID, chat Chat, before []Message, n New, emit func(Event) error) (answered, error) {
	start := time.Now()
	var a answered
	hits, err := s.find(ctx, owner, chat, before, n)
	if err != nil {
		return a, err
	}
	question := ai.Question{Instructions: instructions(chat), Model: chat.model(), Temperature: chat.Temperature, MaxTokens: chat.MaxTokens}
	for _, m := range before {
		if m.Content != "" { // of an answer that was interrupted before its first word
			question.Turns = append(question.Turns, ai.Turn{Role: m.Role, Text: m.Content})
		}
	}
	question.Turns = append(question.Turns, ai.Turn{Role: ai.RoleUser, Text: n.Content})
	for _, h := range hits {
		question.Sources = append(question.Sources, ai.Source{Document: h.DocumentName, Heading: h.Heading, Page: h.PageStart, Text: h.Text})
	}
	var text strings.Builder
	said, err := s.model.Answer(ctx, question, func(part ai.Part) error {
		if part.Citation == nil {
			text.WriteString(part.Text)
			return emit(Event{Text: part.Text})
		}
		c := cite(len(a.citations)+1, hits[part.Citation.Source], *part.Citation)
		a.citations = append(a.citations, c)
		return emit(Event{Citation: &c})
	})
	a.text, a.usage, a.time = text.String(), said.Usage, time.Since(start)
	return a, err
}

// find returns the passages that the answer may rest on.
func (s *Store) find(ctx context.Context, owner auth.UserID, chat Chat, before []Message, n New) ([]retrieval.Hit, error) {
	if !chat.reads() {
		return nil, nil
	}
	text := n.Content
	if len(strings.Fields(text)) < 5 { // «and why?» is about what was asked before
		for _, m := range slices.Backward(before) {
			if m.Role == ai.RoleUser {
				text = m.Content + "\n" + text
				break
			}
		}
	}
	if runes := []rune(text); len(runes) > retrieval.MaxQuery {
		text = string(runes[len(runes)-retrieval.MaxQuery:])
	}
	found, err := s.passages.Search(ctx, owner, retrieval.Query{Course: chat.Course, Documents: n.Documents, Text: text, Limit: sources})
	return found.Hits, err
}

func instructions(chat Chat) string {
	const manner = "You are a patient tutor. Explain step by step, in the language of the question, and end with one short question that checks understanding."
	if chat.SystemPrompt == nil {
		return manner
	}
	return fmt.Sprintf("%s\nThe student wishes: %s", manner, *chat.SystemPrompt)
}

func cite(number int, h retrieval.Hit, c ai.Citation) Citation {
	cited := h.Cite(c.Start, c.End, c.Quote)
	return Citation{number, cited, h.DocumentName, cited.PageStart}
}

// How long the database may be away at the end of an answer before it is lost.
const (
	storeTimeout = 20 * time.Second
	finishTime   = 5 * time.Second        // of one try: a connection to a server that is gone tells nothing
	storePause   = 250 * time.Millisecond // before the second try
)

// store finishes the answer, together with what it cost. The client may be gone;
// what the model said is kept all the same, and tried again while the database is
// away. A try whose outcome nobody told may have succeeded: the next one finds the
// message finished and counts nothing again. One round trip, if it succeeds.
func (s *Store) store(ctx context.Context, owner auth.UserID, message Message, a answered, whole bool) (Message, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), storeTimeout)
	defer cancel()
	message.Content, message.Citations, message.Status = a.text, a.citations, Complete
	if !whole {
		message.Status = Interrupted
	}
	for _, c := range a.citations {
		if !slices.Contains(message.Documents, c.Document) {
			message.Documents = append(message.Documents, c.Document)
		}
	}
	if a.usage.Model != "" {
		message.Model = &a.usage.Model
	} else {
		a.usage.Model = *message.Model
	}
	message.PromptTokens, message.CompletionTokens = &a.usage.PromptTokens, &a.usage.CompletionTokens
	if whole { // else it says when somebody left
		took := int(a.time.Milliseconds())
		message.TimeMS = &took
	}
	for pause := storePause; ; pause *= 2 {
		try, cancel := context.WithTimeout(ctx, finishTime)
		stored, err := s.finish(try, owner, message, a.usage)
		cancel()
		if err == nil || fault.KindOf(err) != fault.Unavailable {
			return stored, err
		}
		slog.WarnContext(ctx, "an answer couldn't be stored yet", "chat_id", message.Chat, "error", err)
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return stored, err
		}
	}
}

// finish writes the message and its usage in one transaction, unless it is finished.
func (s *Store) finish(ctx context.Context, owner auth.UserID, message Message, spent ai.Usage) (Message, error) {
	var stored Message
	var batch pgx.Batch // one transaction
	batch.Queue(hold, message.Chat)
	if spent.PromptTokens > 0 || message.Content != "" { // else nobody knows of a call
		usage.QueueUnless(&batch, owner, usage.Answering, spent, `EXISTS (SELECT FROM chat_messages m WHERE m.id = $6 AND `+finished+`)`, message.ID)
	}
	usage.QueueSettle(&batch, owner, usage.CallID(message.Parent))
	batch.Queue(write, message.args()...)
	batch.Queue(`SELECT `+messageColumns+` FROM chat_messages m WHERE id = $1`, message.ID).Query(func(rows pgx.Rows) (err error) {
		stored, err = pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[Message])
		return err
	})
	err := s.db.SendBatch(ctx, &batch).Close()
	if errors.Is(err, pgx.ErrNoRows) {
		return stored, fault.New(fault.NotFound, "The chat was deleted while it was answered.")
	}
	return stored, err
}
