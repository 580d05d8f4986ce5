package main

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"

	"aksio.app/shared/ai/provider"
	"aksio.app/shared/auth"
	"aksio.app/shared/courses"
	"aksio.app/shared/documents"
	"aksio.app/shared/id"
	"aksio.app/shared/tutor"
)

// size is how much a learner has.
type size struct {
	courses, documents, cards, messages, passages int // documents, cards and passages of the first course, messages of one chat
}

// times is the size n times over.
func (s size) times(n int) size {
	return size{s.courses * n, s.documents * n, s.cards * n, s.messages * n, s.passages}
}

// learner is a student with a size of everything.
type learner struct {
	user     auth.UserID
	course   courses.ID
	document documents.ID
	chat     tutor.ChatID
}

// learn stores a learner with so much. A third of the cards is due.
func (s *stage) learn(ctx context.Context, n size) (learner, error) {
	l := learner{id.New[auth.User](), id.New[courses.Course](), id.New[documents.Document](), id.New[tutor.Chat]()}
	for _, statement := range []struct {
		sql  string
		args []any
	}{
		{`INSERT INTO users (id, username, email, password) VALUES ($1, $2, $2 || '@example.com', '')`, []any{l.user, l.user.String()}},
		{`INSERT INTO courses (id, user_id, name) VALUES ($1, $2, 'Topology')`, []any{l.course, l.user}},
		{`INSERT INTO courses (id, user_id, name, is_favorite) SELECT gen_random_uuid(), $1, 'Course ' || n, n % 10 = 0 FROM generate_series(2, $2) n`,
			[]any{l.user, n.courses}},
		{`INSERT INTO documents (id, user_id, course_id, name, language, state, page_count, passage_count, embedded_count)
			VALUES ($1, $2, $3, 'Book', 'en', 'completed', 100, $4, $4)`, []any{l.document, l.user, l.course, n.passages}},
		{`INSERT INTO documents (id, user_id, course_id, name, language, state, created_at)
			SELECT gen_random_uuid(), $1, $2, 'Document ' || n, 'en', 'completed', now() - n * interval '1 hour' FROM generate_series(2, $3) n`,
			[]any{l.user, l.course, n.documents}},
		{`INSERT INTO document_pages (document_id, number, text) SELECT $1, n, repeat('Some words of a page. ', 80) FROM generate_series(1, 100) n`,
			[]any{l.document}},
		{`INSERT INTO flashcards (id, user_id, course_id, question, answer, next_review_date)
			SELECT gen_random_uuid(), $1, $2, 'What is meant by term ' || n || '?', repeat('An answer of some words. ', 4),
				now() + (n - $3::int / 3) * interval '1 minute' FROM generate_series(1, $3) n`, []any{l.user, l.course, n.cards}},
		{`INSERT INTO chats (id, user_id, course_id, title, message_count) VALUES ($1, $2, $3, 'Chat', $4)`, []any{l.chat, l.user, l.course, n.messages}},
		{`INSERT INTO chat_messages (id, chat_id, number, role, content)
			SELECT gen_random_uuid(), $1, n, CASE n % 2 WHEN 0 THEN 'assistant' ELSE 'user' END, repeat('Some words of a talk. ', 20) FROM generate_series(1, $2) n`,
			[]any{l.chat, n.messages}},
	} {
		if _, err := s.db.Exec(ctx, statement.sql, statement.args...); err != nil {
			return l, fmt.Errorf("%.40s: %w", statement.sql, err)
		}
	}
	return l, s.read(ctx, l, n.passages)
}

// A vocabulary of pseudo-words, used as often as words are (Zipf).
var syllables = strings.Fields("ba ce di fo gu ka le mi no pu ra se ti vo zu tra ple gri blo stu")

func word(n int) string {
	var b strings.Builder
	for range 4 {
		b.WriteString(syllables[n%len(syllables)])
		n /= len(syllables)
	}
	return b.String()
}

const passageWords = 180

func text(r *rand.Rand, words int, commonest float64) string {
	usual := rand.NewZipf(r, 1.1, commonest, 30_000)
	list := make([]string, words)
	for i := range list {
		list[i] = word(int(usual.Uint64()))
	}
	return strings.Join(list, " ")
}

// read stores passages of the learner's document, with the offline model's vectors.
func (s *stage) read(ctx context.Context, l learner, passages int) error {
	r := rand.New(rand.NewPCG(1, uint64(passages)))
	conn, err := s.db.Acquire(ctx)
	if err != nil {
		return err
	}
	defer conn.Release()
	model := provider.Offline{}
	const batch = 1000
	for first := 0; first < passages; first += batch {
		texts := make([]string, min(batch, passages-first))
		for i := range texts {
			texts[i] = text(r, passageWords, 8)
		}
		vectors, _, err := model.Embed(ctx, texts)
		if err != nil {
			return err
		}
		var b bytes.Buffer
		for i := range texts {
			fmt.Fprintf(&b, "%s\t%s\t%s\t%s\t%d\t%s\t1\t1\t0\t%d\t%d\ten\t%s\t[", id.New[documents.Passage](), l.document, l.course, l.user,
				first+i, texts[i], len(texts[i]), passageWords, model.EmbeddingModel())
			for j, x := range vectors[i] {
				if j > 0 {
					b.WriteByte(',')
				}
				b.Write(strconv.AppendFloat(b.AvailableBuffer(), float64(x), 'g', 6, 32))
			}
			b.WriteString("]\n")
		}
		if _, err := conn.Conn().PgConn().CopyFrom(ctx, &b, `COPY passages (id, document_id, course_id, user_id, position, text,
			page_start, page_end, char_start, char_end, words, language, embedding_model, embedding) FROM STDIN`); err != nil {
			return err
		}
	}
	return nil
}

// settle brings the planner's statistics up to date after seeding.
func (s *stage) settle(ctx context.Context) error {
	_, err := s.db.Exec(ctx, "VACUUM ANALYZE")
	return err
}
