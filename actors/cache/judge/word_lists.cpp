#include "actors/cache/judge/word_lists.hpp"

#include <algorithm>
#include <array>
#include <string>
#include <unordered_map>
#include <vector>

namespace sluice::word_lists {

using namespace std::string_view_literals;

namespace {

struct hash : std::hash<std::string_view> {
  using is_transparent = void;
};
using table = std::unordered_map<std::string, int, hash, std::equal_to<>>;

/// Cuts at blanks.
template <class Function>
void each_word(std::string_view list, Function&& f) {
  while (!list.empty()) {
    auto end = std::min(list.find(' '), list.size());
    if (end > 0)
      f(list.substr(0, end));
    list.remove_prefix(std::min(end + 1, list.size()));
  }
}

struct kind_list {
  word_kind kind;
  std::string_view words;
};

constexpr std::array kind_lists{
    kind_list{word_kind::stop,
              "a an the i you he she it we they me my your his her its our us them their mine "
              "this that these those here there be is are was were been being am do does did done "
              "doing have has had having can could shall should will would may might must ought "
              "s re ve ll d m and or but so then of at as if else also too very really quite "
              "just please pls plz thanks thank hi hello hey dear sorry morning evening afternoon "
              "um uh er erm well ok okay bother silly wondering wonder tell know let lets want "
              "wanted wants need needs needed like love help get got give gimme show explain say "
              "about for with by in on to into onto what whats which that whose how "
              "im id ive ill youre dont question actually possible able way ways go some "
              "going goes make any one's oneself myself yourself something someone somebody "
              "it'd there's having it's when's user's list find"},
    kind_list{word_kind::negation, "not no never none neither nor cannot cant wont dont doesnt "
                                   "didnt isnt arent wasnt werent couldnt wouldnt shouldnt "
                                   "without non except excluding unless nobody nothing lack "
                                   "lacking lacks minus"},
    kind_list{word_kind::scope, "all every each both only first last next previous most "
                                "least more less fewer many few half entire whole partial several "
                                "exactly always sometimes often usually minimum maximum min max "
                                "everyone everything everybody best worst top latest newest oldest "
                                "current currently now recent"},
    kind_list{word_kind::direction, "from before after until since between through under over "
                                    "above below within outside inside up down out off than "
                                    "versus vs against across towards toward"},
    kind_list{word_kind::ask, "who whom when where why"},
};

const table& kinds() {
  static const auto result = [] {
    table made;
    for (const auto& list : kind_lists)
      each_word(list.words, [&](auto word) { made.emplace(word, static_cast<int>(list.kind)); });
    return made;
  }();
  return result;
}

/// In each, the first word stands for the others. Stems.
constexpr std::array synonyms{
    "usd dollar"sv,
    "eur euro"sv,
    "gbp pound quid"sv,
    "jpy yen"sv,
    "percent pct"sv,
    "kg kilo kilogram"sv,
    "g gram gramme"sv,
    "km kilometre kilometer"sv,
    "m metre meter"sv,
    "cm centimetre centimeter"sv,
    "mile mi"sv,
    "lb lbs"sv,
    "hour hr"sv,
    "minute min"sv,
    "second sec"sv,
    "year yr"sv,
    "week wk"sv,
    "month mth"sv,
    "photo picture image pic"sv,
    "film movie"sv,
    "buy purchase"sv,
    "begin start"sv,
    "stop cease"sv,
    "fix repair"sv,
    "phone telephone"sv,
    "tv television"sv,
    "car automobile"sv,
    "france french"sv,
    "germany german"sv,
    "spain spanish"sv,
    "italy italian"sv,
    "portugal portuguese"sv,
    "china chinese"sv,
    "japan japanese"sv,
    "korea korean"sv,
    "russia russian"sv,
    "india indian"sv,
    "canada canadian"sv,
    "australia australian"sv,
    "brazil brazilian"sv,
    "mexico mexican"sv,
    "ireland irish"sv,
    "scotland scottish"sv,
    "wales welsh"sv,
    "england english"sv,
    "netherlands dutch"sv,
    "switzerland swiss"sv,
    "sweden swedish"sv,
    "poland polish"sv,
    "turkey turkish"sv,
    "greece greek"sv,
    "thailand thai"sv,
    "vietnam vietnamese"sv,
    "us usa america american"sv,
    "uk britain british"sv,
    "bicycle bike cycle"sv,
    "email mail"sv,
    "cost price fee charge"sv,
    "quick fast quickly rapid"sv,
    "big large"sv,
    "small little"sv,
    "lawyer attorney"sv,
    "near nearby"sv,
    "near nearest closest"sv,
    "best good top great"sv,
    "advice tip"sv,
    "difference distinguish"sv,
    "javascript js"sv,
    "typescript ts"sv,
    "kubernete k8s"sv,
    "postgre postgresql"sv,
    "application app"sv,
    "database db"sv,
    "repository repo"sv,
    "document doc"sv,
    "info information"sv,
    "maximum max"sv,
    "vs versus"sv,
    "receive obtain"sv,
    "error failure"sv,
    "function func"sv,
    "colour color"sv,
    "favourite favorite"sv,
    "centre center"sv,
    "programme program"sv,
    "holiday vacation"sv,
    "author wrote writer write"sv,
    "person people"sv,
    "child children kid"sv,
    "man men"sv,
    "woman women"sv,
    "delete erase"sv,
    "definition define defined"sv,
};

/// Opposites, as pairs of stems.
constexpr std::string_view opposites =
    "open close|open shut|increase decrease|increase reduce|add remove|add delete|benefit drawback|"
    "advantage disadvantage|pro con|before after|on off|in out|up down|over under|above below|"
    "enable disable|activate deactivate|buy sell|start stop|begin end|start end|start finish|"
    "eat avoid|include exclude|included excluded|allow forbid|allow ban|allow block|allowed banned|"
    "accept reject|accept decline|approve reject|approve deny|"
    "grant revoke|lock unlock|block unblock|mute unmute|subscribe unsubscribe|install uninstall|"
    "follow unfollow|do undo|zip unzip|pack unpack|encrypt decrypt|encode decode|compress "
    "decompress|"
    "upload download|import export|send receive|give take|push pull|lend borrow|win lose|won lost|"
    "pass fail|succeed fail|success failure|safe dangerous|safe unsafe|good bad|best worst|better "
    "worse|more less|more fewer|most least|maximum minimum|highest lowest|high low|higher lower|"
    "larger smaller|big small|biggest smallest|largest smallest|long short|longest shortest|tall "
    "short|fast slow|fastest slowest|faster slower|early late|earlier later|earliest latest|first "
    "last|next previous|new old|newest oldest|latest oldest|young old|hot cold|warm cool|hottest "
    "coldest|light dark|light heavy|wet dry|hard easy|hard soft|difficult easy|rich poor|cheap "
    "expensive|cheapest "
    "expensive|strong weak|strength weakness|strengthen weaken|full empty|fill empty|full part|"
    "front back|left right|top bottom|inside outside|indoor outdoor|internal external|public "
    "private|male female|man woman|men women|boy girl|husband wife|mother father|mum dad|brother "
    "sister|king queen|son daughter|"
    "adult child|domestic international|local remote|national international|single married|"
    "single double|online offline|"
    "arrive depart|arrival departure|enter leave|entry exit|enter exit|join leave|hire fire|love "
    "hate|like dislike|agree disagree|appear disappear|connect disconnect|true false|right wrong|"
    "correct wrong|correct incorrect|legal illegal|possible impossible|positive negative|plus "
    "minus|"
    "with without|formal informal|ascending descending|ascend descend|vertical horizontal|"
    "synonym antonym|simple complex|brief detailed|short detailed|temporary permanent|"
    "save spend|gain lose|raise lower|rise fall|grow shrink|expand shrink|expand collapse|"
    "show hide|visible hidden|always never|often never|live die|birth death|born die|input output|"
    "read write|sync async|client server|deposit withdraw|deposit withdrawal|credit debit|"
    "pay refund|import export|weekday weekend|day night|am pm|before during|during after|"
    "within after|within outside|keep discard|keep delete|keep remove|with no|"
    "prevent cause|prevent encourage|help harm|attack defend|ask answer|question answer|laugh cry|"
    "manual automatic|automatic manual|optional required|optional mandatory|required prohibited|"
    "tight loose|wide narrow|deep shallow|thick thin|rough smooth|sharp blunt|noisy quiet|loud "
    "quiet|"
    "alive dead|awake asleep|guilty innocent|sick healthy|clean dirty|clockwise anticlockwise|"
    "absolute relative|static dynamic|stateful stateless|cooked raw|sweet sour|fresh frozen|fresh "
    "stale|odd even|upper lower|uppercase lowercase|north south|east west|northern "
    "southern|eastern "
    "western|freeze unfreeze|freeze thaw|pause resume|pause continue|mount unmount|bind unbind|"
    "wrap unwrap|load unload|attach detach|archive unarchive|pin unpin|register unregister|"
    "current previous|current future|past future|now yesterday|now tomorrow|"
    "today yesterday|today tomorrow|yesterday tomorrow|tonight tomorrow|this last|this next";

/// A line is a class; its things exclude each other. Stems.
constexpr std::array classes{
    "monday tuesday wednesday thursday friday saturday sunday weekend weekday"sv,
    "january february march april june july august september october november december"sv,
    "spring summer autumn winter"sv,
    "yesterday today tomorrow tonight"sv,
    "breakfast lunch dinner brunch"sv,
    "red blue green yellow orange purple pink black white grey brown"sv,
    "usd eur gbp jpy chf cny inr aud cad krw sek nok dkk rupee bitcoin ethereum"sv,
    "second minute hour day week month year decade century"sv,
    "kg g lb oz ton"sv,
    "km mile metre cm mm inch foot yard"sv,
    "kb mb gb tb"sv,
    "litre gallon pint ml cup"sv,
    "celsius fahrenheit kelvin"sv,
    "am pm"sv,
    "percent permille"sv,
    "adult child baby infant toddler teenager senior pensioner student"sv,
    "puppy kitten dog cat rabbit hamster horse cow pig sheep goat parrot fish bird snake"sv,
    "chicken beef pork lamb turkey duck fish tofu salmon tuna shrimp"sv,
    "rice quinoa pasta potato bread noodle couscous lentil bean"sv,
    "window mac macos linux ubuntu debian fedora android ios iphone ipad chromebook"sv,
    "python java javascript typescript rust go golang ruby php perl scala kotlin swift haskell"sv,
    "mysql postgre sqlite mongodb oracle redis cassandra mariadb"sv,
    "json yaml xml csv toml html markdown pdf docx xlsx"sv,
    "mp3 wav flac ogg aac mp4 mkv avi mov png jpg jpeg gif svg webp"sv,
    "npm yarn pnpm pip conda brew apt cargo maven gradle"sv,
    "aws azure gcp heroku vercel netlify"sv,
    "visa mastercard amex paypal"sv,
    "train bus plane flight car taxi bicycle ferry boat tram subway"sv,
    "uk us france germany spain italy portugal china japan korea russia india canada australia "
    "brazil mexico ireland scotland wales england switzerland austria netherlands belgium sweden "
    "poland turkey greece thailand vietnam norway denmark finland arabic hindi latin"sv,
};

constexpr std::string_view numbers =
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen "
    "sixteen seventeen eighteen nineteen";
constexpr std::string_view tens = "twenty thirty forty fifty sixty seventy eighty ninety";
constexpr std::string_view units =
    "k kb mb gb tb kg g mg lb lbs oz km m cm mm mi ft am pm h hr hrs min mins s sec ms days day "
    "years year yo yr yrs weeks week months month th st nd rd px x hz khz mhz ghz w kw kwh v mah "
    "gbp "
    "usd eur p c f bn mn mph kph ml l cl bit bits gbit mbps gbps";

const table& opposite_table() {
  // The pair as written, "open close", both ways round.
  static const auto result = [] {
    table made;
    auto rest = opposites;
    while (!rest.empty()) {
      auto end = std::min(rest.find('|'), rest.size());
      auto pair = rest.substr(0, end);
      auto blank = pair.find(' ');
      auto first = stem_of(pair.substr(0, blank));
      auto second = stem_of(pair.substr(blank + 1));
      made.emplace(first + " " + second, 1);
      made.emplace(second + " " + first, 1);
      rest.remove_prefix(std::min(end + 1, rest.size()));
    }
    return made;
  }();
  return result;
}

/// From a word's stem to the number of its list.
template <size_t Size>
table numbered(const std::array<std::string_view, Size>& lists) {
  table made;
  for (size_t i = 0; i < Size; ++i)
    each_word(lists[i], [&](auto word) { made.emplace(stem_of(word), static_cast<int>(i)); });
  return made;
}

/// `longer` is `shorter` behind a prefix that turns its meaning.
bool negates(std::string_view longer, std::string_view shorter) {
  for (std::string_view prefix : {"un", "non", "dis", "de", "in", "im", "ir", "il", "anti", "mis"})
    if (shorter.size() >= 3 && longer.size() == prefix.size() + shorter.size() &&
        longer.starts_with(prefix) && longer.ends_with(shorter))
      return true;
  return false;
}

} // namespace

word_kind kind_of(std::string_view word) {
  auto i = kinds().find(word);
  return i == kinds().end() ? word_kind::plain : static_cast<word_kind>(i->second);
}

int number_of(std::string_view word) {
  static const auto made = [] {
    table result;
    int next = 0;
    each_word(numbers, [&](auto x) { result.emplace(x, next++); });
    next = 20;
    each_word(tens, [&](auto x) {
      result.emplace(x, next);
      next += 10;
    });
    result.emplace("hundred", 100);
    result.emplace("thousand", 1'000);
    result.emplace("million", 1'000'000);
    result.emplace("dozen", 12);
    return result;
  }();
  auto i = made.find(word);
  return i == made.end() ? -1 : i->second;
}

std::string_view canonical(std::string_view stem) {
  static const auto made = numbered(synonyms);
  static const auto firsts = [] {
    std::vector<std::string> result;
    for (auto list : synonyms)
      result.push_back(stem_of(list.substr(0, list.find(' '))));
    return result;
  }();
  auto i = made.find(stem);
  return i == made.end() ? stem : std::string_view{firsts[static_cast<size_t>(i->second)]};
}

bool is_unit(std::string_view word) {
  static const auto made = [] {
    table result;
    each_word(units, [&](auto x) { result.emplace(x, 1); });
    return result;
  }();
  return made.contains(word);
}

bool opposite(std::string_view stem, std::string_view other) {
  if (stem.size() != other.size() && (negates(stem, other) || negates(other, stem)))
    return true;
  return opposite_table().contains(std::string{stem} + " " + std::string{other});
}

int class_of(std::string_view stem) {
  static const auto made = numbered(classes);
  auto i = made.find(stem);
  return i == made.end() ? -1 : i->second;
}

} // namespace sluice::word_lists

namespace sluice {

namespace {

bool vowel(char c) {
  return std::string_view{"aeiouy"}.find(c) != std::string_view::npos;
}

} // namespace

std::string stem_of(std::string_view word) {
  std::string x{word};
  auto cut = [&](std::string_view ending, size_t least, std::string_view with = "") {
    if (x.size() < ending.size() + least || !x.ends_with(ending))
      return false;
    x.replace(x.size() - ending.size(), ending.size(), with);
    return true;
  };
  if (!x.ends_with("ss") && !x.ends_with("us") && !x.ends_with("is"))
    cut("ies", 2, "y") || cut("sses", 1, "ss") || cut("xes", 2, "x") || cut("ches", 2, "ch") ||
        cut("shes", 2, "sh") || cut("s", 3);
  if (cut("ing", 3) || cut("ed", 3)) {
    auto n = x.size();
    if (n > 3 && x[n - 1] == x[n - 2] && !vowel(x[n - 1]) && x[n - 1] != 'l' && x[n - 1] != 's')
      x.pop_back(); // "stopping"
  }
  if (x.size() > 3 && x.ends_with('e'))
    x.pop_back(); // "create", "creating"
  return x;
}

bool is_typo(std::string_view word, std::string_view other) {
  if (word.size() < other.size())
    std::swap(word, other);
  // Short words are other words after one edit, and a prefix turns the meaning.
  if (other.size() < 5 || word.size() - other.size() > 2 || word.front() != other.front())
    return false;
  auto letters = [](std::string_view x) {
    return std::ranges::all_of(x, [](char c) { return c >= 'a' && c <= 'z'; });
  };
  if (word.size() > 24 || !letters(word) || !letters(other))
    return false;
  std::array<std::array<size_t, 26>, 26> cost{};
  for (size_t i = 0; i <= word.size(); ++i)
    for (size_t j = 0; j <= other.size(); ++j) {
      if (i == 0 || j == 0) {
        cost[i][j] = i + j;
        continue;
      }
      auto same = word[i - 1] == other[j - 1];
      cost[i][j] =
          std::min({cost[i - 1][j] + 1, cost[i][j - 1] + 1, cost[i - 1][j - 1] + (same ? 0U : 1U)});
      if (i > 1 && j > 1 && word[i - 1] == other[j - 2] && word[i - 2] == other[j - 1])
        cost[i][j] = std::min(cost[i][j], cost[i - 2][j - 2] + 1);
    }
  return cost[word.size()][other.size()] <= (other.size() >= 8 ? 2U : 1U);
}

} // namespace sluice
