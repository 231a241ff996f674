"""The texts at the head of the files, in Japanese: by the name of the exercise."""

FILES: dict[str, str] = {
    "softmax": """1. softmax: スコアを割合に変える

アテンションは「持っているもの全部のうち、どれにどれだけ渡すか」を決めます。softmax は、どんな数の行
も割合に変えます。割合はどれも正で、合計は 1 です。数が大きいほど、割合も大きくなります。

    softmax(x)_j = exp(x_j) / sum_k exp(x_k)

形: x [..., n] -> [..., n]。最後の軸に沿った行は、それぞれ独立です。その前に軸がいくつあってもかまい
ません。float32 でも float64 でもかまいません。注意: float32 は exp(100) を表せませんが、数百の数の
行もあります。割合を変えずに、行全体から引けるのはどの数でしょう?

例: exp(0)、exp(log 2)、exp(log 5) は 1、2、5 で、合計は 8 です。

>>> print(softmax(np.array([0, np.log(2), np.log(5)], dtype=np.float32)).round(3))
[0.125 0.25  0.625]

確認の前に予想しましょう: 行のすべての数に 100 を足すと、何が変わりますか?
""",
    "layer_norm": """2. 層正規化: どのトークンも同じ平均とばらつきにそろえる

層ごとに足していく数は、だんだんずれていきます。層正規化はトークンを一つずつ見て、その D 個の数を平
均 0、分散 1 にします。それから、学習した weight と bias (D 個の数それぞれに一つずつ) で伸ばし、ずら
します。

    y = weight (x - mean) / sqrt(variance + eps) + bias

mean と variance は、一つのトークン自身の数の平均と分散です。分散は母分散、つまり平均からの差の二乗
の平均です。eps は根号の中にあります。

形: x [..., D]、weight [D]、bias [D]、eps は一つの数 -> [..., D]

例: 数 1 と 3 の平均は 2、分散は 1 なので、-1 と 1 になります。それに 10 を掛け、5 を足します。

>>> x = np.array([[1, 3]], dtype=np.float32)
>>> ten, five = np.full(2, 10, dtype=np.float32), np.full(2, 5, dtype=np.float32)
>>> layer_norm(x, ten, five, 0.0).tolist()
[[-5.0, 15.0]]

確認の前に予想しましょう: トークンの数がすべて同じとき、層正規化からは何が出てきますか?
""",
    "gelu": """3. GELU: フィードフォワード層の曲がり

線形写像を二つ続けても、一つの線形写像と同じです。フィードフォワード層がそれ以上のものになるのは、間
に曲がりがあるからです。

    gelu(x) = x Phi(x) = x/2 (1 + erf(x / sqrt(2)))

Phi(x) は、標準正規分布の数が x より小さい確率です。大きな x はそのまま通り、絶対値の大きな負の x は
止められ、その間の x は割合に応じて通ります。BERT は erf を使うこの形です。tanh による近似を使うもの
もあります。

形: x [...] -> [...]、数は一つずつ独立

例: erf(1/sqrt(2)) は 0.6827 です (正規分布の数のおよそ三分の二は、平均から標準偏差一つ分以内にあり
ます)。だから gelu(1) は 0.8413 です。

>>> print(gelu(np.array([-1, 0, 1], dtype=np.float32)).round(3))
[-0.159  0.     0.841]

確認の前に予想しましょう: gelu(-10) と gelu(10) は何ですか? 0 の左側で、GELU が向きを変えてまた上が
ることはありますか?
""",
    "embeddings": """4. 埋め込み: トークン id からベクトルへ

モデルには三つの表があります。単語ベクトルの表 (語彙のトークンごとに一行)、位置ベクトルの表 (文の中
の位置ごとに一行)、そして二つのトークンタイプのベクトルの表 (二文の組の一つ目と二つ目) です。トーク
ンは三つの行の和を、層正規化したものです。

    hidden_t = layer_norm(word[id of t] + position[place of t in its sentence] + token_type[type of t])

バッチでは、文を縦につなぎます。トークンごとに一行、最初の文の全部、次の文の全部、と続きます。位置は
どの文でも 0 から数えます。

形: encodings は文のリストで、それぞれに
    encoding.input_ids, encoding.token_type_ids     タプル、トークンごとに一つの整数
があります。表 (V は語彙の大きさ) は
    weights.word [V, D], weights.position [places, D], weights.token_type [2, D]
    weights.norm.weight [D], weights.norm.bias [D]  層正規化のもの
です。返すのは hidden_TD: 全文の T 個のトークン、それぞれ D 個の数です。

例 (正規化なし): 一つの文の id が 7 と 7 なら、word[7] + position[0] + token_type[0] と word[7] +
position[1] + token_type[0] になります。同じ語が二度出てきても、ベクトルは違います。リストを使うと、
表から多くの行を一度に取り出せます (タプルではだめです。NumPy は「行, 列, ...」と解釈します):

>>> table = np.arange(3, dtype=np.float32)[:, None] * np.ones(2, dtype=np.float32)
>>> table[[2, 0, 2]].tolist()
[[2.0, 2.0], [0.0, 0.0], [2.0, 2.0]]

確認の前に予想しましょう: 文の語を並べ替えます。hidden_TD の行は、順番が違うだけで同じですか?
""",
    "split_heads": """5. ヘッドへの分割: トークンごとの一つのベクトルを、H 個の短いベクトルに

アテンションは H 回、並んで行われます。それぞれは D 次元のうちの K = D / H 次元を使います。トークン
のヘッド h は、h K 番から (h + 1) K - 1 番までの数です (番号は 0 から)。結果ではヘッドを先頭に置きま
す。すると、この後はどのヘッドも一つの行列として扱えます。

    x_HTK[h, t, k] = x_TD[t, h K + k]

形: x_TD [tokens, D]、heads は一つの数 -> x_HTK [heads, tokens, D / heads]

例: 4 個の数を持つ 2 トークン、2 ヘッド。

>>> split_heads(np.array([[1, 2, 3, 4], [5, 6, 7, 8]], dtype=np.float32), 2).astype(int).tolist()
[[[1, 2], [5, 6]], [[3, 4], [7, 8]]]

確認の前に予想しましょう: 4 トークン、2 ヘッド、ヘッドの大きさ 3。トークン 0 の 5 番の数 (0 から数え
て) はどこへ行きますか? ただの x_TD.reshape(2, 4, 3) なら、そこにはどの数が入りますか?
""",
    "scores": """6. スコア: クエリとキーはどれほど合うか。そしてなぜ sqrt(K) か

どのトークンにも、クエリ (探しているもの) とキー (差し出すもの) があります。同じ向きを指していれば、
内積が大きくなります。

    scores[h, t, s] = query[h, t] . key[h, s] / sqrt(K)          scores = query key^T / sqrt(K)

t は見るトークン、s は見られるトークンです。クエリごとに一行、キーごとに一列です。K はヘッドの大き
さ、つまりクエリの長さです。

形: query_HTK [heads, queries, K]、key_HSK [heads, keys, K] -> scores_HTS [heads, queries, keys]

例: 一つのヘッド、K = 4。クエリ (1, 1, 1, 1) とキー (1, 2, 3, 4) の積は 10、それを 2 で割ります。

>>> query = np.ones((1, 1, 4), dtype=np.float32)
>>> key = np.array([[[1, 2, 3, 4], [0, 0, 0, 2]]], dtype=np.float32)
>>> scores(query, key).tolist()
[[[5.0, 1.0]]]

確認の前に予想しましょう: クエリとキーの数を、平均 0、標準偏差 1 で無作為に選びます。K = 64 のとき、
内積の標準偏差はどのくらいですか? K = 256 のときは?
""",
    "attention": """7. アテンション: 配ることと、持ち帰ること

ここがすべての中心です。softmax は、クエリのスコアをキーへの割合に変えます。それからどのトークンも、
値 (value) を自分の割合で重み付けした平均を持ち帰ります。

    scores    = query key^T / sqrt(K)      t が探すものと s が差し出すものは、どれほど合うか (課題 6)
    attention = softmax(scores)            行 t: t のアテンションの配り方、合計は 1
    context   = attention value            t が持ち帰るもの

形: query_HTK [heads, queries, K]、key_HSK と value_HSK [heads, keys, K]。返すのは三つの配列です:
scores_HTS と attention_HTS [heads, queries, keys]、context_HTK [heads, queries, K]。softmax は
import 済みで、いつも最後の軸に沿って計算します。

例: 一つのヘッド、K = 1。スコア 0 と log 3 から割合 1/4 と 3/4。値 8 と 4 なら、2 + 3 です。

>>> query, key = np.ones((1, 1, 1), dtype=np.float32), np.array([[[0], [np.log(3)]]], dtype=np.float32)
>>> value = np.array([[[8], [4]]], dtype=np.float32)
>>> [array.round(4).tolist() for array in attend(query, key, value)[1:]]
[[[[0.25, 0.75]]], [[[5.0]]]]

確認の前に予想しましょう: 文のすべてのキーが同じベクトルです。コンテキストは何になりますか?
""",
    "merge_and_residual": """8. ヘッドの結合と残差

アテンションの後、トークンの H 個のコンテキストを横に並べ直します。課題 5 の逆です。もう一つの線形写
像が、ヘッドの見つけたものを混ぜます。それをトークンが前に持っていたものに足し (残差)、正規化しま
す。BERT では正規化が最後です。

    x_TD[t, h K + k] = x_HTK[h, t, k]                            merge_heads
    hidden = layer_norm(hidden + context W + b)                  attention_block

形: merge_heads: x_HTK [heads, tokens, K] -> x_TD [tokens, heads K]。attention_block: hidden_TD は全
文を縦につないだもの、sentences はスライスのリストで、それぞれの文の行です。
    weights.attention                       query, key, value: self_attention に渡します
    weights.attention_output                W と b: linear(x, *weights.attention_output) が x W + b です
    weights.attention_norm.weight, .bias    層正規化のもの。eps は config.layer_norm_eps
self_attention(hidden_TD, sentences, weights.attention, config.num_attention_heads) は、文ごとに課題
5 から 7 を行います。返すのはリストで、文ごとに一つの dict が入っています。dict の "context" が、そ
の文のコンテキスト [tokens, D] です (ヘッドは結合済み)。新しい hidden_TD と、そのリストを返してくだ
さい。

例:

>>> merge_heads(np.array([[[1, 2], [5, 6]], [[3, 4], [7, 8]]], dtype=np.float32)).astype(int).tolist()
[[1, 2, 3, 4], [5, 6, 7, 8]]

確認の前に予想しましょう: attention_output の W と b がすべて 0 です。attention_block からは何が出て
きますか?
""",
    "feed_forward": """9. 層の後半、フィードフォワード: トークンごとに、広い空間を通る

アテンションはトークンの間で情報を動かします。今度はどのトークンも、自分の持っているもので考えます。
F は D より大きく、たいてい四倍です。

    inner  = act(hidden W_1 + b_1)                               D -> F
    hidden = layer_norm(hidden + inner W_2 + b_2)                F -> D、残差、正規化

形: hidden_TD -> hidden_TD。
    weights.intermediate         W_1 と b_1: linear(x, *weights.intermediate)
    weights.output               W_2 と b_2
    weights.output_norm          層正規化のもの。eps は config.layer_norm_eps
    config.hidden_act            act の名前。ACTIVATIONS["gelu"] は課題 3 で、ほかにもあります

例 (linear): 重みは出力ごとに一行です。

>>> row, weight = np.ones((1, 2), dtype=np.float32), np.array([[1, 2], [3, 4], [5, 6]], dtype=np.float32)
>>> linear(row, weight, np.zeros(3, dtype=np.float32)).tolist()
[[3.0, 7.0, 11.0]]

確認の前に予想しましょう: hidden_TD のトークン 2 を変えます。結果のどの行が変わりますか?
""",
    "layer": """10. 層: 見回して、それから考える

    hidden, parts = attention_block(hidden)         課題 8
    hidden        = feed_forward_block(hidden)      課題 9

形: hidden_TD -> hidden_TD、そして attention_block が返す parts (文ごとに一つの dict)。前半も後半も
import 済みです:
    attention_block(hidden_TD, sentences, weights, config)    -> 新しい hidden_TD, parts
    feed_forward_block(hidden_TD, weights, config)            -> 新しい hidden_TD

例: 新しく計算するものはありません。層は、受け取ったのと同じ数の行を返します。ここでは 6 個の数の 5
行 (一つの文) と、でたらめな重みを渡します。大きさ 3 のヘッドが 2 個、フィードフォワードの内側は 9
個の数です。

>>> from minibert.exercises.draw import Draw
>>> draw = Draw(0)
>>> hidden_TD, parts = encoder_layer(draw.normal(5, 6), [slice(0, 5)], draw.layer(6, 9), draw.config(2, 3, 9))
>>> hidden_TD.shape, parts[0]["attention"].shape
((5, 6), (2, 5, 5))

確認の前に予想しましょう: 一つの文の hidden_TD の行を並べ替えます。層は何を返しますか?
""",
    "encoder": """11. エンコーダー全体を、付属のモデルと比べる

まず埋め込み、それから層を次々に通します。層にはそれぞれ自分の重みがあります。ここからは、あなたの
コードが学習済みのモデルを動かします。

    hidden_0 = embed(sentences)                                  課題 4
    hidden_i, parts = encoder_layer(hidden_{i-1}), i = 1 ... L   課題 10

形: encodings は文のリスト -> L + 1 個の配列 hidden_TD のリスト: 埋め込み、それから各層の出力。
    embed(encodings, weights.embeddings, config.layer_norm_eps)
    weights.layers                              層ごとに一つの LayerWeights
    rows_of_sentences(encodings)                文ごとの行。encoder_layer に渡します
    encoder_layer(hidden_TD, rows, layer, config)   -> 新しい hidden_TD と parts。parts はここでは使いません

例: 4、2、3 トークンの三つの文は、この行にあります。ここでは長さだけが大事なので、単語で足ります。

>>> rows_of_sentences(["four", "of", "the"])
[slice(0, 4, None), slice(4, 6, None), slice(6, 9, None)]

確認の前に予想しましょう: 一つの文に同じ語が二度出てきます。その二つのベクトルは、埋め込みの後で同じ
ですか? 最後の層の後では?
""",
    "masked_lm": """12. 隠された語: ここにはどの語が合うか

BERT は空欄を埋めながら学びました。どの位置でも、語彙のすべての語に一つの数、ロジットを与えます。
softmax がそれを確率にします。変換したベクトルが語の埋め込みの方を向いていれば、その語が合います。
decoder は、単語の埋め込みの表そのものです。

    transformed = layer_norm(act(hidden W + b))
    logits      = transformed word^T + bias

形: hidden_TD -> logits_TV。
    weights.transform            W と b: linear(x, *weights.transform)
    weights.norm                 層正規化のもの: layer_norm(x, *weights.norm, eps)
    weights.decoder              [V, D]、語ごとに一行。linear の重みと同じ向きです
    weights.bias                 [V]
    hidden_act                   act の名前: ACTIVATIONS[hidden_act]

例: 一つのベクトルと二つの語。一つは同じ向き、一つは逆向きです。

>>> words = np.array([[1, 1], [-1, -1]], dtype=np.float32)
>>> linear(np.array([[2, 1]], dtype=np.float32), words, np.zeros(2, dtype=np.float32)).tolist()
[[3.0, -3.0]]

確認の前に予想しましょう: 変換を省き、hidden_TD をそのまま語と比べたら、どうなりますか?
""",
    "padding": """13. minibert には要らない、パディングのマスク

たいていの実装は文を長方形に積み、短い文を [PAD] で埋めます (パディング)。パディングには誰も注目して
はなりません。そこで softmax の前に、そのスコアをマイナス無限大にします。exp(-infinity) は 0 です。

    attention = softmax(キーが本物なら scores、パディングなら -infinity)

形: scores_BHTS [sentences, heads, queries, keys]、real_BS [sentences, keys] はトークンなら True、パ
ディングなら False -> attention_BHTS。どの行の合計も 1 です。パディングであるクエリの行も同じです。

例: 等しいスコアが二つと、パディングのスコアが一つ。

>>> padded_softmax(np.zeros((1, 1, 1, 3), dtype=np.float32), np.array([[True, True, False]])).tolist()
[[[[0.5, 0.5, 0.0]]]]

確認の前に予想しましょう: 同じ文を二倍の長さまで埋めます。本物のトークンのアテンションは変わります
か?
""",
    "pca": """14. PCA: 点がいちばん広がって見える平面

クエリとキーには何十もの次元がありますが、図には二つしかありません。PCA は、点がいちばん広がる方向を
見つけます。中心を引いた点を特異値分解すると、それがすべて得られます。

    points - mean = U S V^T          平均は点について、座標ごとに一つ
    components    = V^T の最初の C 行
    projected     = (points - mean) components^T
    ratio         = S^2 / sum(S^2)   最初の C 個: 各成分が全体の分散に占める割合

形: points_NK [points, coordinates]、components は一つの数 C -> projected_NC、components_CK、ratio
[C]。成分の向きは逆でもかまいません。

例: (1, 1)、(2, 3)、(3, 5) を通る直線の上の点は、(1, 2) / sqrt(5) の方向にだけ広がっています。

>>> projected, found, ratio = pca(np.array([[1, 1], [2, 3], [3, 5]], dtype=np.float32), 1)
>>> print(np.abs(found).round(3), ratio.round(3))
[[0.447 0.894]] [1.]

確認の前に予想しましょう: 中心を引くのを忘れ、点が原点から遠くにあります。最初の成分はどこを指します
か?
""",
    "translation_and_scale": """15. 平行移動と拡大: アテンションを変えない移動と、コサインでは c を選べない理由

ヘッドのクエリとキーは、離れた二つの雲になることがよくあります。一緒に描くには動かします。ただし、ア
テンションが変わらないように動かします。

    k -> k + a           クエリ q のどのスコアにも同じ q . a を足すだけで、softmax には見えません (課題 1)
    q -> c q, k -> k / c   どの積 q . k もそのまま

AttentionViz は a = mean(q) - mean(k) とし、二つの雲の中心をそろえます。それから、近いほど注目される
ような c を選びます:

    query = c query          key = (key + mean(query) - mean(key)) / c

では、「近い」とはどの距離ででしょう? 二つ目の関数はコサイン距離で、候補の一つです:

    distance(q, k) = 1 - q . k / (|q| |k|)

形: query_NK、key_NK は一つのヘッドの [tokens, K]、c は一つの数 -> 動かした query_NK と key_NK。距離
は [queries, keys]

例: 平均は (1, 0) と (0, 4) なので、どのキーも (1, -4) だけ動きます。

>>> query, key = np.array([[2, 0], [0, 0]], dtype=np.float32), np.array([[0, 3], [0, 5]], dtype=np.float32)
>>> [array.tolist() for array in translate_and_scale(query, key, 2.0)]
[[[4.0, 0.0], [0.0, 0.0]], [[0.5, -0.5], [0.5, 0.5]]]

確認の前に予想しましょう: c を変えると、q . k と、動かしたベクトルのユークリッド距離との相関が変わり
ます。コサイン距離との相関はどうですか?
""",
    "exact_embedding": """16. 正確な埋め込み: 座標を一つ足すと、近さが注目の順になる

長いキーは注目されますが、遠くにあります。だから、近いことと注目されることは同じではありません。どの
キーにも座標を一つ足し、すべて同じ長さにしましょう。すると角度だけが残り、クエリにいちばん近いキー
が、いちばん注目されるキーになります。

    k     = key - mean(key)                          (平行移動: アテンションはそのまま)
    R     = max |k|                                  いちばん長いもの
    query = (c query, 0)
    key   = (k, sqrt(R^2 - |k|^2)) / c

クエリの新しい座標は 0 なので、どの積にも 0 を足すだけです。そして、どのキーの長さも R / c になりま
す:

    |query - key|^2 = c^2 |q|^2 + R^2 / c^2 - 2 q . k

いちばん長いキーでは R^2 - |k|^2 は 0 です。丸め誤差で少し負になることがあり、その平方根は nan で
す。そこで np.maximum を使います。

形: query_NK、key_NK は一つのヘッドの [tokens, K]、c は一つの数 -> query と key、どちらも [tokens, K
+ 1]

例: 一次元のキー 0、6、12。中心を引くと -6、0、6。R は 6 です。

>>> query, key = np.ones((3, 1), dtype=np.float32), np.array([[0], [6], [12]], dtype=np.float32)
>>> [array.tolist() for array in exact_embedding(query, key, 2.0)]
[[[2.0, 0.0], [2.0, 0.0], [2.0, 0.0]], [[-3.0, 0.0], [0.0, 3.0], [3.0, 0.0]]]

確認の前に予想しましょう: 一つの文のクエリのうち、いちばん近いキーがいちばん注目されるキーであるもの
は、いくつありますか? 新しい座標がなければ?
""",
    "previous_token_head": """17. 一つ前のトークンを見るヘッドを見つける

単純な仕事をするヘッドがあります。どんなトークンでも、その一つ前を見るのです。付属のモデルの全ヘッド
を測り、その傾向がいちばん強いヘッドを見つけましょう。

    measurement[l, h] = attention[l, h, t, t - 1] の平均 (一つ前があるすべてのトークン t について)

文の長さに関係なく、どのトークンも同じ重みで数えます。

形: bert はモデル、sentences は文字列のリスト -> [layers, heads] bert.batch(sentences) はトレースの
リストです。trace.layers[l].attention は [heads, tokens, tokens] で、クエリごとに一行です。

例: このアテンションでは、トークン 1 と 2 が一つ前に 0.9 と 0.5 を与えています。

>>> attention = np.array([[1, 0, 0], [0.9, 0.1, 0], [0.2, 0.5, 0.3]])
>>> np.diagonal(attention, offset=-1).tolist()
[0.9, 0.5]

実行の前に予想しましょう: 前の方の層でしょうか、後の方の層でしょうか? それから関数を書き、確認し、フ
ァイルを実行 (python 17_previous_token_head.py) して、見つけたものを書き込みます。
""",
    "head_off": """18. ヘッドを一つ切り、予測が何を失うかを見る

このヘッドは大事でしょうか? 取り去って、見てみましょう。ヘッドのコンテキストは横に並び、ヘッド h は
h K 番から (h + 1) K - 1 番までの数です。attention_output がそれを混ぜます: context W + b。W のうち
ヘッド h に掛かる列が 0 なら、ヘッドは何も言えません。

どれだけ失われるでしょう? 語を隠し、モデルに尋ねます:

    loss = -log([MASK] での正しい語の確率) の、隠した語についての平均

形: switch_off: 一つの層の重み -> このヘッドのない、その層の重み。ほかは何も変えません。
    weights.attention_output.weight  [D, D]、出力ごとに一行。列が入力です。変える前にコピーします。
    weights._replace(name=new)       一つだけ置き換えた、重みのコピー。深いところは内側から:
                                     まず weights.attention_output._replace(weight=new)
blank_loss: blanks は (一つの [MASK] がある文, 正しい語) のリスト -> 一つの数。
    encoding = bert.tokenizer.encode(text)    encoding.input_ids
    bert.logits(encoding)                     [tokens, vocabulary]
    bert.tokenizer.mask_id                    [MASK] の id
    bert.tokenizer.backend.token_to_id(word)  語の id

例: 正しい語の確率が、一つの空欄で 0.5、もう一つで 0.125 なら、損失は log 4 です。

>>> float(np.mean(-np.log([0.5, 0.125])).round(4)), float(np.log(4).round(4))
(1.3863, 1.3863)

実行の前に予想しましょう: なくて困るヘッドは、いくつあるでしょう? それから関数を書き、確認し、ファイ
ルを実行 (python 18_head_off.py) して、切るといちばん困るヘッドを書き込みます。
""",
    "fine_tuning": """19. ファインチューニングで何が動いたか

`tiny-sentiment` は、`tiny` をさらに学習し、好意的な評と否定的な評を見分けるようにしたものです。同じ
構造、同じ文で、ヘッドは今どこを見ているでしょう? アテンションの行の合計は 1 なので、あるキーが失っ
たものは別のキーが得ます。別の所へ行った割合は、差の合計の半分です:

    moved[l, h] = 1/2 (|後の attention - 前の attention| のキーについての和) の、クエリについての平均

0 なら動いていません。1 なら全部が別の所です。文の長さに関係なく、どの文のどのクエリも同じ重みで数え
ます。

形: before と after は二つのモデル、sentences は文字列のリスト -> [layers, heads]
bert.batch(sentences) はトレースのリストです。trace.layers[l].attention は [heads, tokens, tokens]
で、クエリごとに一行です。

例: 二つのキーのうち、一つ目から二つ目へ 0.2 が動きます。

>>> before, after = np.array([0.7, 0.3]), np.array([0.5, 0.5])
>>> float((np.abs(after - before).sum() / 2).round(4))
0.2

実行の前に予想しましょう: ファインチューニングで動くのは、前の方の層でしょうか、後の方の層でしょう
か? それから関数を書き、確認し、ファイルを実行 (python 19_fine_tuning.py) して、いちばん動いたヘッド
を書き込みます。
""",
    "wordpiece": """20. WordPiece: 単語がどう断片に分かれるか

BERT はすべての単語を知っているわけではありません。何千かの断片を知っていて、単語をその組み合わせで
表します。よく使われる単語は、それ自身が一つの断片です。単語の続きになる断片は "##" で始まります。

    unfolding -> un ##fold ##ing

規則は貪欲です。単語の先頭から、語彙にあるいちばん長い断片を取ります。その終わりから、またいちばん長
い断片を、今度は "##" を付けて取ります。どこかで合う断片が一つもなければ、単語全体が未知です:
["[UNK]"]。

形: word は空白のない文字列、vocabulary は dict {piece: id} -> 断片のリスト。断片があるかどうかは
`piece in vocabulary` でわかります。"[UNK]" だけは、調べずに返してかまいません。

例: 単語の先頭を、長いものから順に。

>>> word = "cats"
>>> [word[0:end] for end in range(len(word), 0, -1)]
['cats', 'cat', 'ca', 'c']

確認の前に予想しましょう: 貪欲な方法で、単語をいちばんよく表す断片がいつも見つかりますか?
""",
    "rollout": """21. ロールアウト: すべての層を通したアテンション

層 3 で、あるトークンが別のトークンに注目します。でもその相手のベクトルは、もはや一つの単語だけを表
してはいません。層 1 と 2 が、ほかのものを混ぜ込んでいます。ロールアウト (Abnar and Zuidema, 2020)
は、アテンションを単語までたどります。残差が各トークンの半分ほどを残すので、層ごとに

    M_l     = (attention_l のヘッドについての平均 + 単位行列) / 2
    rollout = M_L ... M_2 M_1

です。すると行 t は、全部の層の後で、トークン t がどの単語から来ているかを示します。

形: attention_LHTS [layers, heads, tokens, tokens]、最初の層が先頭 -> rollout_TS [tokens, tokens]。
どの行の合計も 1 です。

例: 一つの層、一つのヘッドで、アテンションはすべて相手のトークンへ行きます。半分が残り、半分が入れ替
わります。

>>> attention = np.array([[[[0, 1], [1, 0]]]], dtype=np.float32)
>>> rollout(attention).tolist()
[[0.5, 0.5], [0.5, 0.5]]

確認の前に予想しましょう: 層が多いほど、トークンの中の自分自身は減ります。いつか、なくなりますか?
""",
    "attention_plane": """22. アテンションの平面: アテンションを示す図と、その傾き

クエリ i を平面の x_i に、キー j を y_j に描きます。近さだけで決まるアテンションを、図そのものに持た
せましょう:

    p_ij = softmax over j of -|x_i - y_j|^2  =  softmax over j of  z_ij,    z_ij = 2 x_i . y_j - |y_j|^2

(|x_i|^2 は行に共通なので、softmax には見えません。) 図は、モデルのアテンションのうちどれだけを失う
でしょう?

    loss = (attention_ij log(attention_ij / p_ij) の j についての和) の、クエリ i についての平均

図がすべてを示していれば 0 です。失うものが減るように点を動かすには、傾きが要ります:

    dz_ij = (p_ij - attention_ij) / N                    N はクエリの数
    dx_i  = 2 sum over j of dz_ij y_j
    dy_j  = 2 sum over i of dz_ij (x_i - y_j)

形: x_NC、y_NC [tokens, C]、attention_NN [tokens, tokens] (どの数も 0 より大きく、どの行の合計も 1)
-> loss は一つの数、そして dx_NC と dy_NC。

例: すべての点が一か所にあると、どのキーも同じだけもらいます。アテンションもそうなら、何も失われませ
ん。

>>> x = y = np.zeros((2, 2), dtype=np.float32)
>>> loss, dx, dy = drawing_loss(x, y, np.full((2, 2), 0.5, dtype=np.float32))
>>> round(float(loss), 6), np.abs(dx).max().item(), np.abs(dy).max().item()
(0.0, 0.0, 0.0)

確認の前に予想しましょう: 傾きを長い間下り続けたとします。どの点も好きな所へ行けます。損失は 0 にな
りますか?
""",
    "patching": """23. パッチ: どのヘッドが答えを運ぶか

"The king and the [MASK] lived in a great castle." という文で、モデルは queen と書きます。king を
boy に替えると、書かなくなります。すると、何かが "king" を [MASK] まで運んでいるはずです。どのヘッド
でしょう?

両方の文を実行します。それから boy の実行結果を取り、一つのヘッドのコンテキストだけを、king の実行結
果のものに置き換えます。そこから先を計算し直します。queen が戻ってくれば、そのヘッドが運んだのです。

    effect[l, h] = (層 l のヘッド h をパッチしたときの、[MASK] での word のロジット) - (パッチなしのロジット)

形: bert はモデル、clean と corrupted は同じ数のトークンを持ち、[MASK] が一つある二つの文、word は
clean の正しい語 -> effect [layers, heads]
    trace = bert(text)                              trace.tokens, trace.layers[l].context [tokens, heads K]
    bert.config.head_size                           K。ヘッド h は、コンテキストの h K 番から (h + 1) K - 1 番までの列
    bert.resume(trace, layer=l, context=new)        このコンテキストを置き換えたときに続くトレース
    logits_of(bert, trace)                          [tokens, vocabulary]、課題 12 と同じ
    bert.tokenizer.backend.token_to_id(word)        語の id

例: 配列のコピーの一部の列を、別の配列の列にします。

>>> context, other = np.zeros((2, 4)), np.ones((2, 4))
>>> patched = context.copy()
>>> patched[:, 2:4] = other[:, 2:4]
>>> patched.tolist()
[[0.0, 0.0, 1.0, 1.0], [0.0, 0.0, 1.0, 1.0]]

実行の前に予想しましょう: 多くのヘッドが少しずつ運ぶのでしょうか、一つがほとんどを運ぶのでしょうか?
それから関数を書き、確認し、ファイルを実行 (python 23_patching.py) して、語を取り戻すヘッドを書き込
みます。
""",
}
