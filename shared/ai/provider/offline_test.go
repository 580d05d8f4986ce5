package provider_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"aksio.app/shared/ai"
	"aksio.app/shared/ai/provider"
)

func TestOfflineCardsAskForDefinitions(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		file, front, back string
	}{
		{"cells.md", "What is an organelle?", "A specialised structure inside a cell with its own task"},
		{"cells.md", "What does photosynthesis refer to?", "The process by which plants turn light, water and carbon dioxide into sugar and oxygen"},
		{"cells.md", "What are mitochondria?", "The organelles that release energy from sugar and oxygen"},
		{"cells.md", "What do chromosomes consist of?", "DNA and of proteins around which the DNA is wound"},
		{"topologie.md", "Wann heißt ein topologischer Raum kompakt?", "Wenn jede offene Überdeckung eine endliche Teilüberdeckung besitzt"},
		{"topologie.md", "Was versteht man unter einer Überdeckung?", "Eine Familie von Mengen, deren Vereinigung den ganzen Raum enthält"},
		{"topologie.md", "Was ist eine Metrik?", "Eine Abbildung, die je zwei Punkten einer Menge einen Abstand zuordnet"},
	} {
		cards, _, err := provider.Offline{}.Cards(t.Context(), ai.Material{Sources: material(t, tc.file), Count: 20})
		if err != nil {
			t.Fatal(err)
		}
		if !slices.ContainsFunc(cards, func(c ai.Card) bool { return c.Front == tc.front && c.Back == tc.back }) {
			var fronts []string
			for _, c := range cards {
				fronts = append(fronts, c.Front+" -> "+c.Back)
			}
			t.Errorf("%s: no card %q -> %q among\n%s", tc.file, tc.front, tc.back, strings.Join(fronts, "\n"))
		}
	}
}

func TestOfflineItemsHaveOneAnswer(t *testing.T) {
	t.Parallel()
	for _, file := range []string{"cells.md", "topologie.md"} {
		sources := material(t, file)
		items, _, err := provider.Offline{}.Questions(t.Context(), ai.Material{Sources: sources, Count: 12})
		if err != nil || len(items) < 6 {
			t.Fatalf("%s: %d items, %v", file, len(items), err)
		}
		types, asked := map[string]int{}, map[string]bool{}
		for _, i := range items {
			types[i.Type]++
			if asked[i.Quote] {
				t.Errorf("%s: two items about %q", file, i.Quote)
			}
			asked[i.Quote] = true
			checkQuote(t, sources, i.Source, i.Start, i.End, i.Quote)
			if _, _, gives := provider.Locate(i.Correct[0], i.Text); gives && i.Type != ai.TrueFalse {
				t.Errorf("%s: %q gives %q away", file, i.Text, i.Correct[0])
			}
			if strings.Contains(i.Quote, ". . .") || strings.Contains(i.Quote, "|") {
				t.Errorf("%s: asked about a table: %q", file, i.Quote)
			}
		}
		if len(types) != len(ai.Types) {
			t.Errorf("%s: types %v, want all of %v", file, types, ai.Types)
		}
	}
}

// TestOfflineCardsMakeSense has what cards of real material went wrong with.
func TestOfflineCardsMakeSense(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ text, want, never string }{
		"notes without capitals": {
			"the enzyme binds the substrate in its active site. the substrate is changed by the enzyme. an enzyme is a protein that speeds up a reaction in the cell.",
			"Fill in the gap", "",
		},
		"French without capitals": {
			"la membrane entoure la cellule et laisse passer des molécules. les protéines de la membrane transportent des molécules vers la cellule. chaque cellule construit des protéines.",
			"Complète la phrase : ", "",
		},
		"Swedish without capitals": {
			"cellen bygger proteiner av aminosyror och skickar dem till membranet. proteiner i membranet släpper in vatten och salter till cellen. membranet omger cellen.",
			"Fyll i luckan: ", "",
		},
		"a line of a slide":         {"Memory\n\nMain Memory: Fast, small, and temporary storage of the computer\n\nSecondary Memory: Big, slow, and permanent storage", "What does the material say about “Main Memory”?", ""},
		"an exercise is no fact":    {"Write a program that reads the numbers of a file. The numbers of a file are read by the program line by line.", "", "Write a program"},
		"a name keeps its capitals": {"The Sender Policy Framework is a standard that names the servers of a domain. Every sender reads it, and the sender obeys it.", "What is the Sender Policy Framework?", "sender Policy"},
		"a heading runs in":         {"Preface This book is a collection of the lectures of one winter about groups.", "", "Preface"},
		"code is no sentence":       {"The library syntax is GEN matker0(GEN x, long flag). The library syntax is GEN matrix0(GEN x, long flag).", "", "library"},
		"a path is whole":           {"The server reads the file /etc/postfix/main.cf at each start of the server. The postfix server was written for the postfix project.", "", "/_____"},
		"what this is":              {"To explain this reaction, the chemists measured the pressure of the gas. The gas has a pressure. The reaction needs a gas.", "", "To explain"},
		"a score":                   {"The match ended late. Columbus held a 3 – 2 lead with under a minute to play in the match.", "", "held a 3”"},
		"thanks":                    {"Many thanks also to the students who found the mistakes of the text. The students read the text, and the text has few mistakes.", "", "thanks"},
		"who speaks":                {"THE PRESIDENT: Nobody knows the deficit better than the people of the country. The deficit of the country grows.", "", "PRESIDENT"},
		"the rest of a sentence":    {"the company has assets. are not recorded on the balance sheet of the company. the balance sheet of the company has its assets.", "", "are not"},
		"what stands elsewhere":     {"The enzyme works under the conditions of the cell as described above. The conditions of the cell matter for the enzyme.", "", "described"},
		"a participle is no term":   {"Plotted is the concentration of the enzyme for each of the doses that were given.", "", "What is plotted"},
		"a remark of the author":    {"Beobachtung: Die Topologie der Ebene ist die feinste Topologie der Menge. Die Ebene ist eine Menge. Die Menge hat eine Topologie.", "", "Beobachtung"},
		"a heading runs in midway":  {"Control and Robustness of the Wnt Pathway The model contains many parameters of the cell. The Wnt Pathway is part of the cell.", "", "Robustness"},
		"a word of everyday":        {"Nobody in the laboratory expected that the light has an effect on sleep. The effect was measured again, and an effect was found.", "", "_____ on sleep"},
		"the article tells":         {"The plant turns the light of the day into an antioxidant at last. The antioxidant protects the leaf. An antioxidant is found in each leaf.", "a(n) _____", "n _____"},
		"the first article tells":   {"An antioxidant is found in each of the leaves. The antioxidant protects the leaf. The plant makes the antioxidant.", "A(n) _____ is found", "n _____"},
		"a verb":                    {"The estimate of the area was good. An estimate of the weight costs time. Nobody in the laboratory could reliably estimate the membranes of so many cells.", "", "_____ the membranes"},
		"this one":                  {"The court of the island in the north was moved by this volcano. The volcano was high. Nobody climbed the volcano.", "", "this _____"},
		"a speech":                  {"Like most citizens of the country, I believe in the strength of democracy today. Democracy is what we defend, and my democracy is strong.", "", "of _____ today"},
		"a label":                   {"Academic Editor: Craig Moritz, University of California, Berkeley\n\nRemark: the editor of the journal reads it\n\nRemark: the author of the journal wrote it", "", "say about"},
		"a part of a name":          {"The ships of the Hudson River in the north carried coal for the mills. The River was long. Nobody crossed the River. In the end the River was frozen.", "the _____ in", "Hudson _____"},
		"a letter for the thing": {"Sei X ein Raum. X heißt topologische Mannigfaltigkeit, wenn jeder Punkt eine Umgebung hat, die zum Raum homöomorph ist.",
			"Wann heißt X topologische Mannigfaltigkeit?", ""},
	} {
		cards, _, err := provider.Offline{}.Cards(t.Context(), ai.Material{Sources: []ai.Source{{Text: tc.text}}, Count: 10})
		if err != nil {
			t.Fatal(err)
		}
		var fronts strings.Builder
		for _, c := range cards {
			fronts.WriteString(c.Front + "\n")
		}
		if !strings.Contains(fronts.String(), tc.want) || tc.never != "" && strings.Contains(fronts.String(), tc.never) {
			t.Errorf("%s: want %q, never %q:\n%s", name, tc.want, tc.never, fronts.String())
		}
	}
}

// TestOfflineTopicsAreWordsOfTheText, even where they are frequent in other texts or
// say nothing in another language.
func TestOfflineTopicsAreWordsOfTheText(t *testing.T) {
	t.Parallel()
	for topic, text := range map[string]string{
		"population": "The population of the island grows in the summer. The ships bring the food that the population of the island needs. The population left the island in 1902.",
		"Menge":      "Die Menge ist offen, wenn sie eine Umgebung von jedem ihrer Punkte ist. Eine Menge ist abgeschlossen, wenn ihr Komplement offen ist. Jede Menge hat einen Rand.",
		"gang":       "The gang of the harbour was feared in the town. The sheriff of the town looked for the gang. The gang left the town by the river in 1902.",
	} {
		summary, _, err := provider.Offline{}.Summarize(t.Context(), ai.Material{Sources: []ai.Source{{Text: text}}})
		if err != nil || !slices.Contains(summary.Topics, topic) {
			t.Errorf("topics %q, %v; want %q", summary.Topics, err, topic)
		}
	}
}

// TestOfflineCardsAreAboutAllOfIt: one rich source doesn't take all the cards.
func TestOfflineCardsAreAboutAllOfIt(t *testing.T) {
	t.Parallel()
	var rich strings.Builder
	for _, s := range material(t, "cells.md") {
		rich.WriteString(s.Text + "\n\n")
	}
	sources := []ai.Source{{Text: rich.String()}, {Text: "Glaciers of the valley are a mass of ice. A moraine is the rubble that a glacier leaves behind."}}
	cards, _, err := provider.Offline{}.Cards(t.Context(), ai.Material{Sources: sources, Count: 4})
	if err != nil {
		t.Fatal(err)
	}
	if !slices.ContainsFunc(cards, func(c ai.Card) bool { return c.Source == len(sources)-1 }) {
		t.Errorf("no card of the last source among %v", cards)
	}
}

// TestOfflineFindsTheDefinition, and quotes it first when it is asked for.
func TestOfflineFindsTheDefinition(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ text, card, question string }{
		{"Every Hermitian matrix is a normal matrix. In mathematics, a Hermitian matrix (or self-adjoint matrix) is a complex square matrix that is equal to its own conjugate transpose—that is, the element in the i-th row and j-th column is equal to the complex conjugate of the element in the j-th row and i-th column, for all indices i and j:",
			"What is a Hermitian matrix?", "What is a Hermitian matrix?"},
		{"Running programs are part of every system that has more than one. To represent each code point of a text, a rune is an alias that is used by it. " +
			"A rune is an alias of an integer, and is used for the code points of a text.", "What is a rune?", "What is a rune?"},
		{"Die Zelle ist von einer Membran umgeben, und das ist für sie sehr wichtig. Das Mitochondrium ist das Kraftwerk der Zelle.", "Was ist das Mitochondrium?", "Was ist ein Mitochondrium?"},
		{"Huset er bygget av stein og tre i mange hundre år. Fotosyntese er prosessen der planter lager sukker av vann og lys.", "Hva er fotosyntese?", "Hva er fotosyntese?"},
		{"Huset er bygget av stein og tre i mange hundre år. Osmose er vannets bevegelse gjennom en membran som er tett for salt.", "Hva er osmose?", "Hva er osmose?"},
		{"Es gibt auch noch kleine Mannigfaltigkeiten. Diese Mannigfaltigkeiten können beliebig viele Elemente haben. " +
			"X heißt (topologische) n-dimensionale Mannigfaltigkeit, wenn X hausdorffsch ist, eine abzählbare Basis der Topologie hat und einen Atlas besitzt.",
			"Wann heißt X (topologische) n-dimensionale Mannigfaltigkeit?", "What is Mannigfaltigkeiten?"},
		{"A smooth manifold is a manifold whose charts fit together smoothly. A topological manifold is a space that looks like flat space around each of its points.",
			"What is a topological manifold?", "What are manifolds?"},
	} {
		sources := []ai.Source{{Text: tc.text}}
		cards, _, err := provider.Offline{}.Cards(t.Context(), ai.Material{Sources: sources, Count: 5})
		if err != nil || !slices.ContainsFunc(cards, func(c ai.Card) bool { return c.Front == tc.card }) {
			t.Errorf("want %q among %+v, %v", tc.card, cards, err)
		}
		answer, err := provider.Offline{}.Answer(t.Context(), ai.Question{Turns: []ai.Turn{{Role: ai.RoleUser, Text: tc.question}}, Sources: sources}, nil)
		if err != nil || len(answer.Citations) == 0 || !strings.HasSuffix(tc.text, answer.Citations[0].Quote) {
			t.Errorf("%q is answered by %q, %v", tc.question, answer.Text, err)
		}
		for _, c := range cards {
			if strings.Contains(c.Front, "uset") {
				t.Errorf("%q: %q", c.Front, c.Back)
			}
		}
	}
}

// TestOfflineAnswersBeginWithWhatStandsAlone, where another sentence says as much.
func TestOfflineAnswersBeginWithWhatStandsAlone(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"These glaciers carry rubble into the valley. Most glaciers feed rivers with their water.",
		"However, glaciers carry rubble into the valley. Most glaciers feed rivers with their water.",
		"Now the glaciers carry rubble down the valley. Most glaciers feed rivers with their clear water.",
	} {
		sources := []ai.Source{{Text: text}}
		answer, err := provider.Offline{}.Answer(t.Context(), ai.Question{Turns: []ai.Turn{{Role: ai.RoleUser, Text: "What do glaciers do?"}}, Sources: sources}, nil)
		if err != nil || len(answer.Citations) != 2 || !strings.HasPrefix(answer.Citations[0].Quote, "Most glaciers") {
			t.Errorf("%q is answered by %q, %v", text, answer.Text, err)
		}
	}
}

// TestOfflineQuotesPastAWeakDefinition: it goes before what fits better only if it fits at all.
func TestOfflineQuotesPastAWeakDefinition(t *testing.T) {
	t.Parallel()
	sources := []ai.Source{{Text: "Glaciers are the rivers of ice. A tidewater glacier is a body of snow and frozen water that ends in the sea. Glaciers feed glaciers with fresh snow."}}
	answer, err := provider.Offline{}.Answer(t.Context(), ai.Question{Turns: []ai.Turn{{Role: ai.RoleUser, Text: "What are glaciers?"}}, Sources: sources}, nil)
	if err != nil || len(answer.Citations) != 2 || !strings.HasPrefix(answer.Citations[1].Quote, "Glaciers feed") {
		t.Errorf("answer %q, %v", answer.Text, err)
	}
}

// TestOfflineQuotesWhatIsThere: what tables say and, of a question about all of the
// material, what stands for it; no titles, and nothing that a page says of itself.
func TestOfflineQuotesWhatIsThere(t *testing.T) {
	t.Parallel()
	sources := []ai.Source{{Text: "Monitoring Distributed Systems\n\nFounded | February 28, 1998 |\nIndustry | Software |\n\n- Monitoring Distributed Systems\n\n" +
		"To learn more about monitoring of distributed systems, visit our Advertising Policy and Privacy Policy. Click here for monitoring of distributed systems.\n\n" +
		"Monitoring collects numbers about distributed systems, and shows them to people. The numbers of distributed systems are latency, traffic, errors and saturation."}}
	for question, want := range map[string][]string{
		"When was it founded?":                             {"Founded | February 28, 1998 |"},
		"What is the monitoring of distributed systems?":   {"Monitoring collects numbers about distributed systems, and shows them to people.", "The numbers of distributed systems are latency, traffic, errors and saturation."},
		"What is this about?":                              {"Monitoring collects numbers about distributed systems, and shows them to people."},
		"Can you summarise the document?":                  {"Monitoring collects numbers about distributed systems, and shows them to people."},
		"What does the document say about bread and wine?": nil,
	} {
		answer, err := provider.Offline{}.Answer(t.Context(), ai.Question{Turns: []ai.Turn{{Role: ai.RoleUser, Text: question}}, Sources: sources}, nil)
		var quotes []string
		for _, c := range answer.Citations {
			quotes = append(quotes, c.Quote)
		}
		if err != nil || !slices.Equal(quotes, want) {
			t.Errorf("%q is answered by %q, %v", question, quotes, err)
		}
	}
	cards, _, err := provider.Offline{}.Cards(t.Context(), ai.Material{Sources: sources, Count: 10})
	if err != nil || slices.ContainsFunc(cards, func(c ai.Card) bool { return strings.Contains(c.Quote, "|") || strings.Contains(c.Quote, "ere for") }) {
		t.Errorf("cards %+v, %v", cards, err)
	}
}

// TestOfflineCardsAreWhole: names keep their capitals, and no card tells half of a line
// or what the text says of itself.
func TestOfflineCardsAreWhole(t *testing.T) {
	t.Parallel()
	text := "Rust is a compiled language that is developed by many people. Much of Firefox is written in Rust today, as can be read at rust-lang.org or in a rust book.\n\n" +
		"- Current version: retrieve its content type and the latest one,\n\n- Deleted document: remove it from the storage, conditional on\n\n" +
		"- Unrelated services: for example, a repository of code and a master of them\n\n- Triangle inequality: proof is long and therefore left to the reader\n\n" +
		"- Cache memory: fast, small and temporary storage of programs and data"
	cards, _, err := provider.Offline{}.Cards(t.Context(), ai.Material{Sources: []ai.Source{{Text: text}}, Count: 10})
	var fronts []string
	for _, c := range cards {
		if c.Confidence > 0.6 {
			fronts = append(fronts, c.Front)
		}
	}
	if want := []string{"What is Rust?", "What does the material say about “Cache memory”?"}; err != nil || !slices.Equal(fronts, want) {
		t.Errorf("cards %q, %v; want %q", fronts, err, want)
	}
}

// TestOfflineStatementsAreAsOftenFalse, whatever else is asked: who sees mostly true
// ones learns to say so.
func TestOfflineStatementsAreAsOftenFalse(t *testing.T) {
	t.Parallel()
	for _, types := range [][]string{{ai.TrueFalse}, {ai.MultipleChoice, ai.TrueFalse}, nil} {
		for _, file := range []string{"cells.md", "topologie.md"} {
			items, _, err := provider.Offline{}.Questions(t.Context(), ai.Material{Sources: material(t, file), Count: 12, Types: types})
			if err != nil {
				t.Fatal(err)
			}
			answers := map[string]int{}
			for _, i := range items {
				if i.Type == ai.TrueFalse {
					answers[i.Correct[0]]++
				}
			}
			n := answers["True"] - answers["False"]
			if file == "topologie.md" {
				n = answers["Wahr"] - answers["Falsch"]
			}
			if n < -1 || n > 1 || len(answers) != 2 {
				t.Errorf("%s, %v: %v", file, types, answers)
			}
		}
	}
}

// TestOfflineSpeaksTheMaterialsLanguage, where it knows it.
func TestOfflineSpeaksTheMaterialsLanguage(t *testing.T) {
	t.Parallel()
	for code, tc := range map[string]struct {
		text, card, question string
		options              []string
	}{
		"fr": {"Une cellule est la plus petite unité vivante qui se reproduit seule. Les protéines de la membrane laissent passer certaines molécules. " +
			"La membrane est une barrière fine qui sépare la cellule de son milieu. Les protéines de la cellule sont faites de molécules.", "Comment définir une cellule ?", "Vrai ou faux ? ", []string{"Vrai", "Faux"}},
		"es": {"Una célula es la unidad más pequeña de la vida que se reproduce sola. Las proteínas de la membrana dejan pasar algunas moléculas. " +
			"La membrana es una barrera fina que separa la célula de su medio. Las proteínas de la célula están hechas de moléculas.", "¿Qué es una célula?", "¿Verdadero o falso? ", []string{"Verdadero", "Falso"}},
		"de": {"Eine Zelle ist die kleinste Einheit des Lebens, die sich selbst vermehrt. Die Proteine der Membran lassen einige Moleküle durch. " +
			"Die Membran ist eine dünne Schicht, die die Zelle von der Umgebung trennt. Die Proteine der Zelle bestehen aus Molekülen.", "Was ist eine Zelle?", "Wahr oder falsch? ", []string{"Wahr", "Falsch"}},
	} {
		for _, language := range []string{code, ""} {
			m := ai.Material{Sources: []ai.Source{{Text: tc.text}}, Count: 5, Language: language, Types: []string{ai.TrueFalse}}
			cards, _, err := provider.Offline{}.Cards(t.Context(), m)
			if err != nil || !slices.ContainsFunc(cards, func(c ai.Card) bool { return c.Front == tc.card }) {
				t.Errorf("%s: want %q among %+v, %v", code, tc.card, cards, err)
			}
			items, _, err := provider.Offline{}.Questions(t.Context(), m)
			if err != nil || len(items) == 0 {
				t.Errorf("%s: %d questions, %v", code, len(items), err)
			}
			for _, i := range items {
				if !strings.HasPrefix(i.Text, tc.question) || !slices.Equal(i.Options, tc.options) || !slices.Contains(i.Options, i.Correct[0]) {
					t.Errorf("%s: %q %v", code, i.Text, i.Options)
				}
			}
		}
	}
}

// TestOfflineFalseStatementsAreWellFormed: what the material says of a term is said of
// another one, with its own article. Terms put into any gap made nonsense that nobody believes.
func TestOfflineFalseStatementsAreWellFormed(t *testing.T) {
	t.Parallel()
	for _, file := range []string{"cells.md", "topologie.md"} {
		items, _, err := provider.Offline{}.Questions(t.Context(), ai.Material{Sources: material(t, file), Count: 20, Types: []string{ai.TrueFalse}})
		if err != nil {
			t.Fatal(err)
		}
		for _, i := range items {
			if i.Correct[0] == i.Options[0] {
				continue
			}
			_, statement, _ := strings.Cut(i.Text, "? ")
			if _, said, ok := strings.Cut(statement, " ist "); ok && strings.Contains(i.Explanation, " ist "+said) {
				continue
			}
			if _, said, ok := strings.Cut(statement, " is "); ok && strings.Contains(i.Explanation, " is "+said) {
				continue
			}
			if _, said, ok := strings.Cut(statement, " are "); !ok || !strings.Contains(i.Explanation, " are "+said) {
				t.Errorf("%s: %q, explained by %q", file, i.Text, i.Explanation)
			}
		}
	}
}

// TestOfflineOptionsAreOfOneKind: they are terms that the material defines in the same way,
// and none is told by its article or number.
func TestOfflineOptionsAreOfOneKind(t *testing.T) {
	t.Parallel()
	items, _, err := provider.Offline{}.Questions(t.Context(), ai.Material{Sources: material(t, "cells.md"), Count: 20, Types: []string{ai.MultipleChoice}})
	if err != nil || len(items) == 0 {
		t.Fatalf("%d items, %v", len(items), err)
	}
	defined := []string{"cell", "cell membrane", "organelle", "nucleus", "mitosis", "meiosis", "mitochondria", "ribosomes"}
	for _, i := range items {
		for _, option := range i.Options {
			if !slices.Contains(defined, option) {
				t.Errorf("%q of %v of %q is defined nowhere", option, i.Options, i.Text)
			}
		}
	}
}

// TestOfflineSpeaksNoOtherLanguage: of a language that it has no words for, it speaks English.
func TestOfflineSpeaksNoOtherLanguage(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ text, language, question string }{
		"Polish": {"Fotosynteza i oddychanie to procesy, które zachodzą i zimą, i latem. Chloroplasty roślin i glonów pochłaniają światło i wodę. " +
			"Podczas fotosyntezy chloroplasty roślin zamieniają światło i dwutlenek węgla na cukier i tlen.", "", "Czym są chloroplasty?"},
		"Croatian": {"Fotosinteza i disanje su procesi u stanicama i tkivima biljaka. Kloroplasti biljaka i alga upijaju svjetlost i vodu u stanicama. " +
			"U stanicama biljaka kloroplasti pretvaraju svjetlost i ugljikov dioksid u šećer i kisik.", "", "Što su kloroplasti?"},
		"Dutch, as it is known": {"Overdag nemen chloroplasten van groene planten licht, water en koolstofdioxide op voor suiker. " +
			"Volgens onderzoekers gebruiken groene planten chloroplasten voor suiker, terwijl andere organismen suiker eten.", "nl", "Wat zijn chloroplasten?"},
	} {
		m := ai.Material{Sources: []ai.Source{{Text: tc.text}}, Count: 10, Language: tc.language}
		cards, _, err := provider.Offline{}.Cards(t.Context(), m)
		if err != nil || len(cards) == 0 {
			t.Errorf("%s: %d cards, %v", name, len(cards), err)
		}
		items, _, err := provider.Offline{}.Questions(t.Context(), m)
		if err != nil || len(items) == 0 {
			t.Errorf("%s: %d questions, %v", name, len(items), err)
		}
		for _, c := range cards {
			if !strings.HasPrefix(c.Front, "Fill in the gap: ") {
				t.Errorf("%s: %q", name, c.Front)
			}
		}
		for _, i := range items {
			if !strings.HasPrefix(i.Text, "Fill in the gap: ") {
				t.Errorf("%s: %q", name, i.Text)
			}
		}
		answer, err := provider.Offline{}.Answer(t.Context(), ai.Question{Turns: []ai.Turn{{Role: ai.RoleUser, Text: tc.question}}, Sources: m.Sources}, nil)
		if err != nil || !strings.HasPrefix(answer.Text, "No language model") || len(answer.Citations) == 0 {
			t.Errorf("%s: answered %q, %v", name, answer.Text, err)
		}
	}
}

// leaving is the context of a caller who leaves once it was looked at so often.
type leaving struct {
	context.Context
	after, looks int
}

func (l *leaving) Err() error {
	if l.looks++; l.looks > l.after {
		return context.Canceled
	}
	return nil
}

// TestOfflineStopsWhenTheCallerLeaves, wherever it is: nobody waits for the rest.
func TestOfflineStopsWhenTheCallerLeaves(t *testing.T) {
	t.Parallel()
	m := ai.Material{Sources: material(t, "cells.md"), Count: 20, Topic: "cells"}
	sentences := 0
	for _, s := range m.Sources {
		sentences += strings.Count(s.Text, ".")
	}
	for name, call := range map[string]func(context.Context) error{
		"cards":     func(ctx context.Context) error { _, _, err := provider.Offline{}.Cards(ctx, m); return err },
		"questions": func(ctx context.Context) error { _, _, err := provider.Offline{}.Questions(ctx, m); return err },
		"summary":   func(ctx context.Context) error { _, _, err := provider.Offline{}.Summarize(ctx, m); return err },
		"answer": func(ctx context.Context) error {
			turns := []ai.Turn{{Role: ai.RoleUser, Text: "What does the Golgi apparatus do?"}}
			_, err := provider.Offline{}.Answer(ctx, ai.Question{Turns: turns, Sources: m.Sources}, nil)
			return err
		},
	} {
		whole := leaving{Context: t.Context(), after: math.MaxInt}
		if err := call(&whole); err != nil || whole.looks < sentences {
			t.Errorf("%s: looks at the context %d times for %d sentences, %v", name, whole.looks, sentences, err)
		}
		for tenth := range 10 {
			left := leaving{Context: t.Context(), after: whole.looks * tenth / 10}
			if err := call(&left); !errors.Is(err, context.Canceled) || left.looks > left.after+10 {
				t.Errorf("%s: %d of %d looks after %d, %v", name, left.looks, whole.looks, left.after, err)
			}
		}
	}
}

// TestOfflineAsksOnceAboutRepeatedSentences, and its work grows no faster than the text.
func TestOfflineAsksOnceAboutRepeatedSentences(t *testing.T) {
	t.Parallel()
	looks := func(times int) int {
		m := ai.Material{Sources: []ai.Source{{Text: strings.Repeat("The enzyme number 7 is the protein that digests food. ", times)}}, Count: 50}
		ctx := leaving{Context: t.Context(), after: math.MaxInt}
		cards, _, err := provider.Offline{}.Cards(&ctx, m)
		if err != nil || len(cards) != 1 {
			t.Errorf("%d times: %d cards of one sentence, %v", times, len(cards), err)
		}
		items, _, err := provider.Offline{}.Questions(&ctx, m)
		if err != nil || len(items) != 1 {
			t.Errorf("%d times: %d items of one sentence, %v", times, len(items), err)
		}
		return ctx.looks
	}
	if few, many := looks(100), looks(1000); many > 10*few {
		t.Errorf("%d looks at 100 sentences, %d at 1000", few, many)
	}
}

// TestOfflineReadsOneLongWord of letters and dots, each of which may end an
// abbreviation: that took minutes, and now a moment.
func TestOfflineReadsOneLongWord(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	m := ai.Material{Sources: []ai.Source{{Text: strings.Repeat("a.", 95_000)}}, Count: 1}
	if cards, _, err := (provider.Offline{}).Cards(ctx, m); err != nil {
		t.Errorf("%d cards, %v", len(cards), err)
	}
}

// TestOfflineReadsThousandsOfDefinitions, each of which may stand for any other: the work
// grows with them, not with their square, as its allocations tell. In no other test's company.
func TestOfflineReadsThousandsOfDefinitions(t *testing.T) {
	work := func(definitions int) uint64 {
		var text strings.Builder
		for i := range definitions {
			fmt.Fprintf(&text, "Enzyme%c%c%c is a protein that digests the food of all cells of the body in warm and salty water with an acid of the stomach number %d. ", 'a'+i%26, 'a'+i/26%26, 'a'+i/676, i)
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		items, _, err := provider.Offline{}.Questions(t.Context(), ai.Material{Sources: []ai.Source{{Text: text.String()}}, Count: 50})
		runtime.ReadMemStats(&after)
		if err != nil || len(items) == 0 {
			t.Fatalf("%d items, %v", len(items), err)
		}
		return after.Mallocs - before.Mallocs
	}
	if few, many := work(250), work(1000); many > 8*few {
		t.Errorf("four times the definitions take %d allocations instead of %d", many, few)
	}
}

func TestOfflineIsDeterministic(t *testing.T) {
	t.Parallel()
	m := ai.Material{Sources: material(t, "cells.md"), Count: 15}
	first, _, _ := provider.Offline{}.Questions(t.Context(), m)
	cards, _, _ := provider.Offline{}.Cards(t.Context(), m)
	if len(first) == 0 || len(cards) == 0 {
		t.Fatalf("%d questions and %d cards", len(first), len(cards))
	}
	for range 5 {
		items, _, _ := provider.Offline{}.Questions(t.Context(), m)
		again, _, _ := provider.Offline{}.Cards(t.Context(), m)
		if !reflect.DeepEqual(items, first) || !reflect.DeepEqual(again, cards) {
			t.Fatal("the same material gave something else")
		}
	}
}

func TestOfflineAvoidsWhatExists(t *testing.T) {
	t.Parallel()
	m := ai.Material{Sources: material(t, "cells.md"), Count: 5}
	first, _, err := provider.Offline{}.Cards(t.Context(), m)
	if err != nil || len(first) != 5 {
		t.Fatalf("%d cards, %v", len(first), err)
	}
	for _, c := range first {
		m.Avoid = append(m.Avoid, strings.ToUpper(c.Front))
	}
	second, _, err := provider.Offline{}.Cards(t.Context(), m)
	if err != nil || len(second) == 0 {
		t.Fatalf("%d cards, %v", len(second), err)
	}
	for _, c := range second {
		if slices.ContainsFunc(first, func(o ai.Card) bool { return o.Front == c.Front }) {
			t.Errorf("%q exists already", c.Front)
		}
	}
}

func TestOfflineKeepsToTheTopic(t *testing.T) {
	t.Parallel()
	cards, _, err := provider.Offline{}.Cards(t.Context(), ai.Material{Sources: material(t, "cells.md"), Count: 10, Topic: "photosynthesis"})
	if err != nil || len(cards) == 0 {
		t.Fatalf("%d cards, %v", len(cards), err)
	}
	for _, c := range cards {
		if text := strings.ToLower(c.Quote + strings.Join(c.Tags, " ")); !strings.Contains(text, "photosynthesis") {
			t.Errorf("%q isn't about photosynthesis", c.Quote)
		}
	}
}

func TestOfflineAnswerSaysWhatItIs(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, question, file string
		says, quotes         string // "" for no citation
	}{
		{"fits", "What does the Golgi apparatus do?", "cells.md", "No language model is connected", "Golgi apparatus sorts"},
		{"nothing fits", "Who won the football match yesterday?", "cells.md", "I found nothing in your material", ""},
		{"German", "Wann heißt ein Raum kompakt?", "topologie.md", "kein Sprachmodell angeschlossen", "heißt kompakt, wenn"},
		{"German, nothing", "Wie kocht man eine Suppe mit Nudeln?", "topologie.md", "nichts gefunden", ""},
		{"Norwegian", "Hva er været i morgen?", "cells.md", "Ingen språkmodell er koblet til", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			answer, err := provider.Offline{}.Answer(t.Context(), ai.Question{Turns: []ai.Turn{{Role: ai.RoleUser, Text: tc.question}}, Sources: material(t, tc.file)}, nil)
			if err != nil || !strings.Contains(answer.Text, tc.says) {
				t.Errorf("Answer = %q, %v; want %q", answer.Text, err, tc.says)
			}
			switch {
			case tc.quotes == "" && len(answer.Citations) > 0:
				t.Errorf("cites %+v", answer.Citations)
			case tc.quotes != "" && (len(answer.Citations) == 0 || !strings.Contains(answer.Citations[0].Quote, tc.quotes)):
				t.Errorf("cites %+v, want %q", answer.Citations, tc.quotes)
			}
		})
	}
}

// TestOfflineQuotesAreShownAsTheyAre where Markdown is: what stands first in a line makes
// code, a heading, a quotation or a list of it.
func TestOfflineQuotesAreShownAsTheyAre(t *testing.T) {
	t.Parallel()
	for quote, shown := range map[string]string{
		"~~~ gruel is ~~not~~ safe to eat":     `\~\~\~ gruel is \~\~not\~\~ safe to eat`,
		"> gruel is safe > 3 to eat":           `\> gruel is safe > 3 to eat`,
		"--- gruel is safe to eat":             `\--- gruel is safe to eat`,
		"Eat it. 12. gruel is safe to eat":     `12\. gruel is safe to eat`,
		"Eat it. # gruel is safe to eat":       `\# gruel is safe to eat`,
		"+ gruel is safe to eat":               `\+ gruel is safe to eat`,
		"1.5 cups of gruel (hot) are safe. So": "1.5 cups of gruel (hot) are safe.",
	} {
		answer, err := provider.Offline{}.Answer(t.Context(), ai.Question{
			Turns: []ai.Turn{{Role: ai.RoleUser, Text: "Is gruel safe?"}}, Sources: []ai.Source{{Text: quote}},
		}, nil)
		if err != nil || !strings.Contains(answer.Text, "\n\n> "+shown+" [1]") {
			t.Errorf("%q is quoted in %q, %v; want %q", quote, answer.Text, err, shown)
		}
	}
}

func TestOfflineAnswerTakesShortQuestionsWithTheOneBefore(t *testing.T) {
	t.Parallel()
	apart, err := provider.Offline{}.Answer(t.Context(), ai.Question{Sources: material(t, "cells.md"), Turns: []ai.Turn{
		{Role: ai.RoleUser, Text: "Who won the football world cup in 1998?"}, {Role: ai.RoleAssistant, Text: "I don't know."}, {Role: ai.RoleUser, Text: "What is mitosis?"},
	}}, nil)
	if err != nil || len(apart.Citations) == 0 || !strings.Contains(apart.Citations[0].Quote, "Mitosis is") {
		t.Errorf("a question that names what it is about: Answer = %+v, %v", apart, err)
	}
	answer, err := provider.Offline{}.Answer(t.Context(), ai.Question{Sources: material(t, "cells.md"), Turns: []ai.Turn{
		{Role: ai.RoleUser, Text: "What is the Calvin cycle?"}, {Role: ai.RoleAssistant, Text: "It builds sugar."}, {Role: ai.RoleUser, Text: "Where is it?"},
	}}, nil)
	if err != nil || len(answer.Citations) == 0 || !strings.Contains(answer.Citations[0].Quote, "Calvin cycle takes place") {
		t.Errorf("Answer = %+v, %v", answer, err)
	}
}

// Near texts must be nearer than far ones, or search without a key is of no use.
func TestOfflineEmbeddingsOrderByMeaning(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ query, near, far string }{
		{"How do plants make sugar?", "Photosynthesis: plants turn light and water into sugar.", "The division of the nucleus is called mitosis, and is done before the cell divides."},
		{"dividing cells", "The division of a cell into two", "The tax on income is paid each year"},
		{"kompakte Räume", "Ein topologischer Raum heißt kompakt, wenn jede Überdeckung endlich ist", "Eine Metrik ordnet je zwei Punkten einen Abstand zu"},
		{"fotosyntesen i plantene", "Planter bruker fotosyntese for å lage sukker", "Renten settes av sentralbanken"},
		{"Topologie", "topologische Räume und ihre Eigenschaften", "lineare Gleichungen und ihre Lösungen"},
	} {
		v, _, err := provider.Offline{}.Embed(t.Context(), []string{tc.query, tc.near, tc.far})
		if err != nil {
			t.Fatal(err)
		}
		if near, far := dot(v[0], v[1]), dot(v[0], v[2]); near <= far+0.05 {
			t.Errorf("%q: %.3f to %q, %.3f to %q", tc.query, near, tc.near, far, tc.far)
		}
	}
}
