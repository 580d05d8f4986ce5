package provider

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"math"
	"net/http"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	openai "github.com/sashabaranov/go-openai"

	"aksio.app/shared/ai"
	"aksio.app/shared/fault"
)

// replying is a provider that answers every call with the same bytes.
type replying struct {
	status int
	header http.Header
	body   string
}

func (r replying) RoundTrip(req *http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: r.status, Header: r.header, Body: io.NopCloser(strings.NewReader(r.body)), Request: req}, nil
}

// answering returns a model whose provider answers as told.
func answering(r replying) *OpenAI {
	settings := openai.DefaultConfig("key")
	settings.HTTPClient = &retrier{client: &http.Client{Transport: r}, pause: 1}
	return &OpenAI{
		config: Config{Chat: "gpt-4o-mini", Embedding: "text-embedding-3-small", Timeout: time.Minute, MaxTokens: 500, InputTokens: 24_000},
		client: openai.NewClientWithConfig(settings),
	}
}

var fuzzedMaterial = []ai.Source{{Document: "Cells", Text: "Mitochondria release energy from sugar. They have a double membrane."}}

// storable fails the test unless PostgreSQL takes the texts.
func storable(t *testing.T, longest int, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if !utf8.ValidString(text) || strings.ContainsRune(text, 0) || len(text) > longest {
			t.Errorf("%d bytes can't be stored: %.200q", len(text), text)
		}
	}
}

// counted fails the test unless the usage can be billed.
func counted(t *testing.T, spent ai.Usage) {
	t.Helper()
	if spent.PromptTokens < 0 || spent.CompletionTokens < 0 || spent.PromptTokens > 1<<30 || spent.CompletionTokens > 1<<30 {
		t.Errorf("usage %+v", spent)
	}
}

// worded fails the test unless the error, if it is one, is a fault in our own words.
func worded(t *testing.T, err error) {
	t.Helper()
	var f *fault.Fault
	if err != nil && !errors.As(err, &f) {
		t.Errorf("not a fault: %v", err)
	}
}

// FuzzStream reads streams of providers, good and broken. What is emitted is the answer,
// can be stored, and costs something that can be billed.
func FuzzStream(f *testing.F) {
	chunk := func(content string) string {
		text, _ := json.Marshal(content)
		return `data: {"choices":[{"index":0,"delta":{"content":` + string(text) + `}}]}` + "\n\n"
	}
	const stop, done = `data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}` + "\n\n", "data: [DONE]\n\n"
	spent := func(usage string) string { return `data: {"choices":[],"usage":` + usage + `}` + "\n\n" }
	for _, body := range []string{
		chunk("Energy [[1|release energy") + chunk(" from sugar]].") + stop + spent(`{"prompt_tokens":10,"completion_tokens":5}`) + done,
		chunk("a\x00b [[1|release\x00 energy from sugar]]") + stop + done,
		`data: {"choices":[{"delta":{"content":"\ud83d"}},{"delta":{"content":"\ude00\u0000"},"finish_reason":"stop"}]}` + "\n\n" + done,
		chunk("x") + stop + spent(`{"prompt_tokens":-5,"completion_tokens":-1}`) + done,
		chunk("x") + stop + spent(`{"prompt_tokens":9007199254740993,"completion_tokens":2147483648}`) + done,
		chunk("x") + stop + spent(`{"prompt_tokens":5,"completion_tokens":-2}`) + done,
		chunk(strings.Repeat("endless ", 20_000)) + stop + done,
		"data: \xff\n\n: comment\n\ndata:{}\n\n" + chunk("\xff\xc3") + "data: [DONE]",
		`data: {"error":{"message":"overloaded\u0000"}}` + "\n\n",
		strings.Repeat("\n", 1000) + "{", "",
	} {
		f.Add(body)
	}
	f.Fuzz(func(t *testing.T, body string) {
		model := answering(replying{http.StatusOK, http.Header{"Content-Type": {"text/event-stream"}}, body})
		question := ai.Question{Turns: []ai.Turn{{Role: ai.RoleUser, Text: "Where does energy come from?"}}, Sources: fuzzedMaterial}
		var text strings.Builder
		citations := 0
		answer, err := model.Answer(t.Context(), question, func(p ai.Part) error {
			if p.Citation != nil {
				citations++
				if got := slice(fuzzedMaterial[p.Citation.Source].Text, p.Citation.Start, p.Citation.End); got != p.Citation.Quote {
					t.Errorf("%q is cited, %q stands there", p.Citation.Quote, got)
				}
			} else if p.Text == "" {
				t.Error("nothing is emitted")
			}
			text.WriteString(p.Text)
			return nil
		})
		worded(t, err)
		storable(t, len(body)+1, answer.Text)
		if err == nil {
			storable(t, longestText+heldMost, answer.Text)
		}
		counted(t, answer.Usage)
		if text.String() != answer.Text || citations != len(answer.Citations) {
			t.Errorf("emitted %q, returned %q", text.String(), answer.Text)
		}
		if answer.Text != "" && answer.Usage.PromptTokens == 0 {
			t.Error("an answer for nothing")
		}
	})
}

// stands fails the test unless the quote is the source's own words at that place.
func stands(t *testing.T, sources []ai.Source, source, start, end int, quote string) {
	t.Helper()
	if source < 0 || source >= len(sources) || quote == "" || slice(sources[source].Text, start, end) != quote {
		t.Errorf("%q isn't in source %d at %d to %d", quote, source, start, end)
	}
}

// goodCards fails the test unless the cards can be stored and learned.
func goodCards(t *testing.T, m ai.Material, cards []ai.Card) {
	t.Helper()
	if len(cards) > m.Count {
		t.Errorf("%d cards, %d are wanted", len(cards), m.Count)
	}
	for _, c := range cards {
		stands(t, m.Sources, c.Source, c.Start, c.End, c.Quote)
		storable(t, longestSide, c.Front, c.Back, c.Explanation, c.Level)
		storable(t, longestTag, c.Tags...)
		if strings.TrimSpace(c.Front) == "" || strings.TrimSpace(c.Back) == "" || reveals(c.Front, c.Back) || len(c.Tags) > mostTags || !(c.Confidence >= 0 && c.Confidence <= 1) {
			t.Errorf("card %+v", c)
		}
	}
}

// goodItems fails the test unless the items can be stored, asked and graded.
func goodItems(t *testing.T, m ai.Material, items []ai.Item) {
	t.Helper()
	if len(items) > m.Count {
		t.Errorf("%d questions, %d are wanted", len(items), m.Count)
	}
	for _, i := range items {
		stands(t, m.Sources, i.Source, i.Start, i.End, i.Quote)
		storable(t, longestSide, i.Text, i.Explanation, i.Hint, i.Level, i.Type)
		storable(t, longestSide, i.Correct...)
		storable(t, longestText, i.Options...)
		storable(t, longestTag, i.Tags...)
		if strings.TrimSpace(i.Text) == "" || len(i.Correct) == 0 || len(i.Correct) > mostCorrect || slices.Contains(i.Correct, "") || len(i.Tags) > mostTags {
			t.Errorf("item %+v", i)
		}
		options := set(i.Options)
		switch i.Type {
		case ai.TrueFalse:
			if len(options) != 2 || len(i.Correct) != 1 || !options[i.Correct[0]] {
				t.Errorf("statement %+v", i)
			}
		case ai.MultipleChoice:
			if len(options) < 3 || len(options) != len(i.Options) || len(i.Correct) != 1 || !options[i.Correct[0]] {
				t.Errorf("choice %+v", i)
			}
		case ai.FillBlank:
			if !strings.Contains(i.Text, "___") {
				t.Errorf("there is no gap in %+v", i)
			}
		}
	}
}

// FuzzStructured reads what providers answer when they are asked for cards, questions
// and a summary. What is kept can be stored, and its quote stands in the source.
func FuzzStructured(f *testing.F) {
	const quote = `"source":1,"quote":"Mitochondria release energy from sugar"`
	for _, seed := range []struct {
		content    string
		prompt, in int
	}{
		{`{"cards":[{"front":"What releases energy\u0000?","back":"They do\u0000","explanation":"\u0000","difficulty":"easy","tags":["a\u0000","","` + strings.Repeat("é", 200) + `"],` + quote + `,"confidence":1e300}],"text":"\u0000","topics":["\u0000"]}`, 10, 5},
		{`{"items":[{"text":"Sugar\u0000 gives _____.","type":"fill_blank","options":[],"correct":["energy\u0000"],"explanation":"\u0000","hint":"\u0000","difficulty":"x","tags":["\u0000"],` + quote + `}],"answers":[{"question":1,"answer":"energy"}]}`, -1, -1},
		{`{"items":[{"text":"What has a double membrane?","type":"multiple_choice","options":["A\u0000","B","C","C\u0000"],"correct":["A"],` + quote + `}],"answers":[{"question":1,"answer":"A"}]}`, 1 << 40, 1 << 31},
		{`{"cards":[{"front":"` + strings.Repeat("long ", 5000) + `","back":"b",` + quote + `}],"text":"` + strings.Repeat("é", 100_000) + `"}`, 0, 0},
		{`{"cards":[{"source":-9223372036854775808}],"items":null}`, 1, 0},
		{`{"cards":[{"source":1e99}]} trailing`, 1, 0},
		{"\xff", 1, 1}, {"", 0, 0}, {"null", 1, 1},
	} {
		f.Add(seed.content, seed.prompt, seed.in)
	}
	f.Fuzz(func(t *testing.T, content string, prompt, completion int) {
		body, err := json.Marshal(map[string]any{
			"choices": []any{map[string]any{"finish_reason": "stop", "message": map[string]any{"content": content}}},
			"usage":   map[string]any{"prompt_tokens": prompt, "completion_tokens": completion},
		})
		if err != nil {
			t.Fatal(err)
		}
		model := answering(replying{http.StatusOK, http.Header{"Content-Type": {"application/json"}}, string(body)})
		material := ai.Material{Sources: fuzzedMaterial, Count: 3}
		cards, spent, err := model.Cards(t.Context(), material)
		worded(t, err)
		counted(t, spent)
		goodCards(t, material, cards)
		items, spent, err := model.Questions(t.Context(), material)
		worded(t, err)
		counted(t, spent)
		goodItems(t, material, items)
		summary, spent, err := model.Summarize(t.Context(), material)
		worded(t, err)
		counted(t, spent)
		storable(t, longestSide, summary.Text)
		storable(t, longestTag, summary.Topics...)
	})
}

// FuzzEmbeddings reads what providers answer when they are asked for vectors, in which REST
// stands for all but the first number of one. Each text has one of length 1, or none has.
func FuzzEmbeddings(f *testing.F) {
	for _, body := range []string{
		`{"data":[{"index":1,"embedding":[1REST]},{"index":0,"embedding":[-0.5REST]}],"usage":{"prompt_tokens":3}}`,
		`{"data":[{"index":0,"embedding":[1REST]},{"index":0,"embedding":[1REST]}],"usage":{"prompt_tokens":-3}}`,
		`{"data":[{"index":0,"embedding":[3e38REST]},{"index":1,"embedding":[1e-45REST]}],"usage":{"prompt_tokens":9007199254740993}}`,
		`{"data":[{"index":0,"embedding":[1e39REST]},{"index":1,"embedding":[1REST]}]}`,
		`{"data":[{"index":-1,"embedding":[1REST]},{"index":2,"embedding":[1REST]}]}`, `{"data":[{"index":1e99,"embedding":[1REST]}]}`,
		`{"data":[{"embedding":[1REST]},{"index":1,"embedding":[1REST,0]}]}`, `{"data":[{"embedding":[]},{"index":1,"embedding":null}]}`,
		`{"data":[{"index":0,"embedding":"AACAPw=="},{"index":1,"embedding":"!"}]}`, `{"data":[{"embedding":[null REST]},{"index":1,"embedding":["1"REST]}]}`,
		`{"data":[{"embedding":[1REST]}]}`, `{"data":null}`, `{"error":{"message":"\u0000"}}`, "\xff", "",
	} {
		f.Add(body)
	}
	rest := strings.Repeat(",0.5", ai.Dimensions-1)
	f.Fuzz(func(t *testing.T, body string) {
		if strings.Count(body, "REST") > 10 {
			return // it would be large
		}
		model := answering(replying{http.StatusOK, http.Header{"Content-Type": {"application/json"}}, strings.ReplaceAll(body, "REST", rest)})
		vectors, spent, err := model.Embed(t.Context(), []string{"Cells", "Energy"})
		worded(t, err)
		counted(t, spent)
		if err != nil {
			return
		}
		if len(vectors) != 2 || spent.PromptTokens == 0 {
			t.Fatalf("%d vectors for 2 texts and %d tokens", len(vectors), spent.PromptTokens)
		}
		for _, vector := range vectors {
			length := 0.0
			for _, v := range vector {
				length += float64(v) * float64(v)
			}
			if len(vector) != ai.Dimensions || !(math.Abs(length-1) < 1e-3) { // as NaN's isn't, either
				t.Errorf("%d dimensions of the length %v", len(vector), math.Sqrt(length))
			}
		}
	})
}

// FuzzRefusal reads how providers refuse. The student is told in our own words, and
// never to wait for longer than an hour.
func FuzzRefusal(f *testing.F) {
	for _, wait := range []string{"1", "0.5", "86399", "1e300", "-1", "NaN", "Inf", "Fri, 31 Dec 9999 23:59:59 GMT", "Mon, 02 Jan 2006 15:04:05 GMT", "soon", "\x00", ""} {
		f.Add(429, wait, "insufficient_quota")
		f.Add(503, wait, "\xff\x00")
	}
	f.Fuzz(func(t *testing.T, status int, wait, body string) {
		status = 300 + (status%300+300)%300
		header := http.Header{"Retry-After": {wait}}
		if got := retryAfter(header); got < 0 || got > longestRetry {
			t.Errorf("%q asks to wait %s", wait, got)
		}
		refused := &refusal{Status: status, Body: body, Wait: retryAfter(header)}
		err := failed(context.Background(), refused)
		var f *fault.Fault
		if !errors.As(err, &f) || f.Message == "" || f.Code == "" || len(body) > 12 && strings.Contains(f.Message, body) || f.Wait < 0 || f.Wait > longestRetry {
			t.Errorf("%d %q: %v", status, body, err)
		}
	})
}

// offlineReading is all that the offline model makes of material.
type offlineReading struct {
	answer  ai.Answer
	summary ai.Summary
	cards   []ai.Card
	items   []ai.Item
}

// readOffline has the model make everything of the material, the topic being the question,
// and fails the test unless it is good.
func readOffline(t *testing.T, m ai.Material) (r offlineReading) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute) // running out of it fails the test, too: a deadline is none of the errors that are allowed
	defer cancel()
	var model Offline
	var spent ai.Usage
	check := func(err error) {
		worded(t, err)
		if spent != model.usage() {
			t.Errorf("usage %+v", spent)
		}
	}
	var text strings.Builder
	var cited []ai.Citation
	var err error
	r.answer, err = model.Answer(ctx, ai.Question{Turns: []ai.Turn{{Role: ai.RoleUser, Text: m.Topic}}, Sources: m.Sources}, func(p ai.Part) error {
		text.WriteString(p.Text)
		if p.Citation != nil {
			stands(t, m.Sources, p.Citation.Source, p.Citation.Start, p.Citation.End, p.Citation.Quote)
			cited = append(cited, *p.Citation)
		}
		return nil
	})
	worded(t, err)
	storable(t, 1<<20, r.answer.Text)
	if text.String() != r.answer.Text || !slices.Equal(cited, r.answer.Citations) {
		t.Errorf("emitted %q %v, returned %+v", text.String(), cited, r.answer)
	}
	// What is quoted is plain: the only brackets that mean something are the citations'.
	if plain := escaped.ReplaceAllString(r.answer.Text, ""); strings.Count(plain, "[") != len(cited) || strings.ContainsAny(plain, "`*_<~&") {
		t.Errorf("%d citations in %q", len(cited), r.answer.Text)
	}

	r.summary, spent, err = model.Summarize(ctx, m)
	check(err)
	storable(t, longestSide, r.summary.Text)
	storable(t, longestTag, r.summary.Topics...)
	if len(r.summary.Topics) > mostTags || slices.Contains(r.summary.Topics, "") {
		t.Errorf("the topics %q", r.summary.Topics)
	}
	r.cards, spent, err = model.Cards(ctx, m)
	check(err)
	goodCards(t, m, r.cards)
	r.items, spent, err = model.Questions(ctx, m)
	check(err)
	goodItems(t, m, r.items)
	return r
}

var escaped = regexp.MustCompile(`\\[[:punct:]]`)

// FuzzOffline has the offline model read whatever documents say, a passage before each form
// feed. What it makes can be stored and shown, its quotes stand in the passages, and it makes
// the same of the same.
func FuzzOffline(f *testing.F) {
	for _, file := range []string{"cells.md", "topologie.md"} {
		text, err := os.ReadFile("testdata/" + file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(strings.ReplaceAll(string(text), "\n\n", "\f"), "Cells", "cell", "", uint8(0))
	}
	long := strings.Repeat("ungemein", 400)
	for _, seed := range []struct{ text, question, language string }{
		{"Main memory: fast, small and temporary store of a running program.\n- Hard disk – slow, large and lasting store of all the files.\n", "What is main memory?", "en"},
		{"A function is called continuous, if every small change of x makes a small change of y. A number is even if and only if two divides it.", "even", "en"},
		{"Die Mito\u00adchondrien sind die Kraft-\nwerke der Zelle. Ein Körper heißt endlich, wenn er nur endlich viele Elemente hat.", "Was ist ein Körper?", "de"},
		{"| a | b |\n| ribosome | makes proteins |\n\n1) first\n2. second\na) third\n```\nx := 1\n```\n# THE END\nContents .... 7", "x", ""},
		{"細胞は生命の最小単位である。ミトコンドリアはエネルギーを作る。", "細胞とは何ですか", "ja"},
		{"The cell is the smallest unit of life—that is, nothing smaller lives. [link](http://x) <b>&amp; *bold* _it_ ~no~ \\ `code` is a name of the sign.", "What is this document about?", "xx-Unknown"},
		{"The " + long + " of cells is a thing that grows in warm water. All cells have the " + long + " of cells in their middle.", long, ""},
		{strings.Repeat("no full stop and no end of it ", 500), "end", "en"},
		{strings.Repeat("e\u0301\u0327", 500) + " \ufb01 ½ 10³² ǅ İ ß ẞ … “quoted” 'x' — ‑ \u200b\u2028\u00a0", "½", ""},
		{" .\n?!\n::\n—that is\n()[]{}\n- \n•\t\n\f\f\n-\n", "—", "no"},
	} {
		f.Add(seed.text, "Definition 3.1 (x)", seed.question, seed.language, uint8(1))
	}
	stored := func(text string) string { return strings.ToValidUTF8(strings.ReplaceAll(text, "\x00", ""), "\ufffd") }
	f.Fuzz(func(t *testing.T, text, heading, question, language string, kind uint8) {
		if len(text)+len(heading)+len(question) > 64<<10 {
			return // TestOfflineReadsOneLongWord and its neighbours read more
		}
		m := ai.Material{Count: 1 + int(kind)%ai.MostCount, Topic: stored(question), Language: stored(language), Level: []string{"", ai.Easy, ai.Medium, ai.Hard}[kind%4]}
		for passage := range strings.SplitSeq(stored(text), "\f") {
			m.Sources = append(m.Sources, ai.Source{Document: "Notes", Heading: stored(heading), Text: passage})
		}
		first := readOffline(t, m)
		if again := readOffline(t, m); !reflect.DeepEqual(first, again) {
			t.Errorf("made %+v, and then %+v", first, again)
		}
	})
}
