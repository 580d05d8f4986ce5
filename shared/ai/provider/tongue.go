package provider

import (
	"strings"
	"sync"

	"aksio.app/shared/ai"
	"aksio.app/shared/language"
)

// The languages that the offline model has words for.
var tongues = []*tongue{&english, &norwegian, &swedish, &danish, &german, &french, &spanish}

// tongue is what the offline model knows of a language.
type tongue struct {
	code     string
	stops    string // frequent words that say little
	nouns    string // words that stand before nouns
	persons  string // of a speech or instructions: what "we" did or "your" screen shows is nothing to know by heart
	everyday string // nouns of any subject: alone they are no topic, and nobody can know what belongs into their gap
	text     texts
}

// neutral speaks English about texts of whose language the model has no words.
var neutral = tongue{text: english.text}

// texts are the sentences that the offline model writes itself.
type texts struct {
	preface string    // before the extracts of an answer
	nothing string    // when none fits
	cloze   string    // %s is a sentence with a gap
	which   string    // %s is a description
	truth   string    // %s is a statement
	options [2]string // of a statement: that it is true, and that it isn't
	instead string    // %s is the right term
	hint    string    // %d letters, %s the first
	about   string    // %s is what stands before a colon
}

// wordLists are the words of all languages together. They are made on first
// use: most functions never need them.
type wordLists struct {
	stops, articles, leaning, pointing, midway, general, labels, abbreviations, front map[string]bool

	nouns, persons, everyday map[string]map[string]bool // of each language: "I" is no preposition in English
}

var lists = sync.OnceValue(func() wordLists {
	words := func(list string) map[string]bool { return set(strings.Fields(list)) }
	l := wordLists{
		articles: words(articles), leaning: words(leaning), pointing: words(pointing), midway: words(midway),
		general: words(general), labels: words(labels), abbreviations: words(abbreviations),
		front: words(front), nouns: map[string]map[string]bool{}, persons: map[string]map[string]bool{}, everyday: map[string]map[string]bool{},
	}
	var stops string
	for _, t := range tongues {
		stops += " " + t.stops
		l.nouns[t.code], l.persons[t.code], l.everyday[t.code] = words(t.nouns), words(t.persons), map[string]bool{}
		for _, word := range strings.Fields(t.everyday) {
			l.everyday[t.code][stem(word)], l.everyday[t.code][stem(word+"s")] = true, true
		}
	}
	l.stops = words(stops)
	return l
})

// stopped reports whether the word says little about what a text is about.
func stopped(text string) bool { return lists().stops[strings.ToLower(text)] }

// tongueOf returns what the model knows of the language; neutral if that is nothing.
func tongueOf(code string) *tongue {
	base, _, _ := strings.Cut(strings.ToLower(strings.ReplaceAll(code, "_", "-")), "-")
	if base == "nb" || base == "nn" {
		base = "no"
	}
	for _, t := range tongues {
		if t.code == base {
			return t
		}
	}
	return &neutral
}

// languageOf returns the language of the sources; "" if they don't tell.
func languageOf(sources []ai.Source) string {
	texts := make([]string, len(sources))
	for i, s := range sources {
		texts[i] = s.Text
	}
	return language.Of(texts...)
}

// leaning words start sentences that can't be understood without the one before.
const leaning = `
this that these those it its they them their he she his her him we our us i my you your such here there another both each also
however therefore thus hence then so but and or yet moreover furthermore instead consequently otherwise meanwhile similarly
nevertheless accordingly additionally besides likewise still now again later earlier afterwards finally
let suppose assume consider see show prove note find give define write add save draw print compute calculate complete remember imagine try please use what how why which when where who
sei seien betrachte betrachten definieren definiere zeigen zeige beweise beweisen siehe wie was wo wer warum welche welcher gegeben angenommen rechts links oben unten beweis proof bevis
anta vis finn se hva hvordan hvorfor hvilke hvilken antag visa vad hur varför hvad lad
first second third next above below following former latter other others
diese dieser dieses diesem diesen dies das es er sie ihr ihre seine sein wir uns ich mein jene jener hier dort dabei dazu damit daher
deshalb also somit folglich jedoch aber und oder sondern denn doch außerdem zudem ferner dann danach dadurch solche solcher
den det de denne dette disse han hun hon dem deres sin sitt sine vi vår vårt oss jeg jag min mitt her der här där derfor därför
dermed därmed men og och eller også också imidlertid dog således så slik sådan sånn dessuten dessutom desuden videre vidare derefter därefter deretter
dessa denna hans hennes hendes deras vores
il elle ils elles cela ceci ces cet cette celui celle ceux nous vous mais donc ainsi puis alors cependant toutefois ensuite enfin voir montrer
él ella ellos ellas esto este esta estos estas eso ese esa esos esas aquel aquella nosotros pero así entonces luego además también véase`

// pointing words mean something that was said before.
const pointing = `this these diese dieser dieses diesem diesen dette disse denne detta dessa denna ce cet cette ces este esta estos estas ese esa esos esas`

// articles stand before nouns only: a word before them is no noun.
const articles = `the a an le la les un une el los las una`

// midway words begin no sentence: in a text without capitals, one that begins with
// them is the rest of one.
const midway = `are is was were be been has have had and or but of to which that who than due into onto`

const abbreviations = `
dr mr mrs ms maj gen col lt capt sgt gov sen rep jan feb mar apr jun jul aug sept sep oct nov dec prof st fig figs eq eqs sec ch vol no nos pp vs etc cf approx al e.g i.e e.g. i.e. inc corp ltd co jr sr u.s u.k a.m p.m
z.b d.h u.a u.ä usw bzw vgl ca evtl ggf nr abb tab kap s.o s.u sog inkl max min def bsp bem
f.eks dvs osv bl.a pga iht kl kap jf mv ev t.ex bl.a o.s.v d.v.s m.m s.k t.o.m fig tab ex resp mfl m.fl`

// front words are about a text as a work, not about its subject.
const front = `
copyright copyrighted isbn cc-by cc-by-sa acknowledgements acknowledgments acknowledgement preface foreword vorwort danksagung impressum
forord förord vorlesung vorlesungen lecture lectures forelesning forelesningen föreläsning forelæsning bibliography bibliografie skript skripts skriptum literaturverzeichnis inhaltsverzeichnis innholdsfortegnelse innehållsförteckning`

// general words are frequent in study material of any subject, and no terms; titles
// stand before names.
const general = `
default note notes instance order look click thank thanks slide slides
mrs prof professor professors phd msc bsc univ herr herrn hrn dipl ing habil
example examples figure figures table tables chapter section page pages part parts case cases result results way number numbers kind kinds
type types form forms time times year years day days people person work works author authors fact point points different same similar able
available possible important significant common specific certain new high low higher lower greater smaller total respectively following
based associated related compared addition association observation majority vast presence absence use range set group
list term terms name names word words issue issues question questions answer reason place state level levels million millions billion percent
billions trillion hundred hundreds thousand thousands dozen dozens tens want wants need needs suggest suggests suggested indicate indicates remember agree believes
exemple ejemplo siguiente siguientes veuillez beispiel abbildung tabelle kapitel abschnitt seite teil fall ergebnis zahl art form zeit jahr jahre tag definition satz bemerkung beobachtung hinweis anmerkung beweis lemma
eksempel figur tabell kapittel del tilfelle resultat tall slag tid år dag exempel fall sida`

// labels number the parts of a text.
const labels = `
page seite sida side chapter kapitel section abschnitt avsnitt definition theorem lemma corollary proposition remark example exercise figure table note fig tab
satz bemerkung beispiel korollar folgerung aufgabe abbildung tabelle abb behauptung
definisjon setning teorem eksempel oppgave figur tabell korollar merknad sats exempel théorème lemme chapitre exemple exercice tableau teorema capítulo ejemplo ejercicio figura tabla sección página uppgift anmärkning følgeslutning opgave sætning`
