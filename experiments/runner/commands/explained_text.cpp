// SPDX-License-Identifier: Apache-2.0
#include "experiments/runner/commands/explained_text.hpp"

#include <algorithm>
#include <cmath>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "experiments/runner/text/text_table.hpp"

namespace plumbline {

namespace {

// A zero of either sign is 0.
std::string text(double value) { return short_number(value == 0 ? 0 : value, 6); }

// As a factor or a term that is not the first.
std::string in_brackets(double value) { return value < 0 ? '(' + text(value) + ')' : text(value); }

std::string numbered(const std::string& symbol, std::size_t index) {
  return symbol + '_' + std::to_string(index + 1);
}

std::string row_text(const std::vector<double>& values) {
  std::string row = "(";
  for (const double value : values) row += (row.size() > 1 ? ", " : "") + text(value);
  return row + ')';
}

// A sum of products in symbols and the same with the numbers put in.
class Sum {
 public:
  void add(const std::string& symbol, double value) { append(symbol, in_brackets(value)); }
  void add(const std::string& a, double a_value, const std::string& b, double b_value) {
    append(a + ' ' + b, in_brackets(a_value) + " * " + in_brackets(b_value));
  }
  const std::string& symbols() const { return symbols_; }
  const std::string& numbers() const { return numbers_; }
  std::size_t terms() const { return terms_; }

 private:
  void append(const std::string& symbol, const std::string& number) {
    symbols_ += (terms_ > 0 ? " + " : "") + symbol;
    numbers_ += (terms_ > 0 ? " + " : "") + number;
    ++terms_;
  }

  std::string symbols_;
  std::string numbers_;
  std::size_t terms_ = 0;
};

bool is(const ParameterTensor& tensor, std::string_view part) {
  return tensor.name.ends_with(part);
}

class Explainer {
 public:
  Explainer(const ExplainedStep& step, const RunConfiguration& run, std::ostream& out)
      : step_(step), run_(run), out_(out) {}

  void write() const {
    heading("Forward");
    for (const ExplainedExample& example : step_.examples) forward(example);
    heading("Loss");
    out_ << "  " << name("loss") << ": " << loss_catalogue().find(name("loss"))->info.formula
         << '\n';
    for (const ExplainedExample& example : step_.examples) loss(example);
    if (step_.examples.size() > 1) mean_loss();
    heading("Backward");
    out_ << "  delta = dL/dz, the error signal, from the output layer down\n";
    for (const ExplainedExample& example : step_.examples) backward(example);
    heading("Gradients");
    if (step_.examples.size() > 1) {
      out_ << "  of the mean loss, so the mean over the examples\n\n";
    }
    for (const ParameterTensor& tensor : step_.layout.tensors()) gradients(tensor);
    heading("Update");
    update();
  }

 private:
  void heading(const char* title) const { out_ << '\n' << title << '\n'; }

  // The value of a setting of the run as a definition writes it; an empty text where there is none.
  std::string setting(const std::string& key) const {
    for (const ResolvedSetting& one : run_.resolved) {
      if (one.key != key) continue;
      const auto* word = std::get_if<std::string>(&one.value.value);
      return word != nullptr ? *word : to_string(one.value);
    }
    return "";
  }
  std::string name(const std::string& table) const { return setting(table + ".name"); }

  bool is_last(std::size_t layer) const { return layer + 1 == step_.examples[0].layers.size(); }
  const Activation& activation(std::size_t layer) const {
    return is_last(layer) ? *run_.model.output_activation : *run_.model.activation;
  }
  std::string activation_name(std::size_t layer) const {
    return name(is_last(layer) ? "model.output_activation" : "model.activation");
  }

  const ParameterTensor& tensor(std::size_t layer, std::string_view part) const {
    for (const ParameterTensor& one : step_.layout.tensors()) {
      if (one.layer == layer + 1 && is(one, part)) return one;
    }
    return step_.layout.tensors().front();  // never: each layer has weights and biases
  }

  // What layer `layer` makes, or the inputs for what stands below layer 0.
  static std::string output_symbol(std::size_t layers_below) {
    return layers_below == 0 ? "x" : "a" + std::to_string(layers_below);
  }
  static const std::vector<double>& outputs(const ExplainedExample& example,
                                            std::size_t layers_below) {
    return layers_below == 0 ? example.inputs : example.layers[layers_below - 1].a;
  }
  std::string own_symbol(const char* letter, std::size_t layer) const {
    return letter + std::to_string(layer + 1);
  }

  void example_line(const ExplainedExample& example) const {
    if (step_.examples.size() == 1) return;
    out_ << "\n  Example " << &example - step_.examples.data() + 1 << '\n';
  }

  void forward(const ExplainedExample& example) const {
    example_line(example);
    out_ << "  x = " << row_text(example.inputs) << '\n';
    for (std::size_t l = 0; l < example.layers.size(); ++l) {
      out_ << "\n  Layer " << l + 1 << ", " << activation_name(l) << '\n';
      const ParameterTensor& weight = tensor(l, ".weight");
      const ParameterTensor& bias = tensor(l, ".bias");
      const ExplainedExample::Layer& layer = example.layers[l];
      for (std::size_t i = 0; i < layer.z.size(); ++i) {
        Sum sum;
        for (std::size_t j = 0; j < weight.cols; ++j) {
          const std::size_t index = i * weight.cols + j;
          sum.add(parameter_symbol(weight, index), step_.before[weight.offset + index],
                  numbered(output_symbol(l), j), outputs(example, l)[j]);
        }
        sum.add(parameter_symbol(bias, i), step_.before[bias.offset + i]);
        out_ << "  " << numbered(own_symbol("z", l), i) << " = " << sum.symbols() << '\n'
             << "       = " << sum.numbers() << " = " << text(layer.z[i]) << '\n';
      }
      for (std::size_t i = 0; i < layer.a.size(); ++i) {
        out_ << "  " << numbered(own_symbol("a", l), i) << " = " << activation_name(l) << '(';
        if (is_elementwise(l)) {
          out_ << numbered(own_symbol("z", l), i) << ") = " << text(layer.a[i]) << '\n';
        } else {
          out_ << own_symbol("z", l) << ")_" << i + 1 << " = " << text(layer.a[i]) << '\n';
        }
      }
    }
    out_ << "\n  y = " << row_text(example.layers.back().a) << '\n';
  }

  bool is_elementwise(std::size_t layer) const {
    return dynamic_cast<const ElementwiseActivation*>(&activation(layer)) != nullptr;
  }

  void loss(const ExplainedExample& example) const {
    example_line(example);
    out_ << "  y = " << row_text(example.layers.back().a) << ", t = " << row_text(example.target)
         << '\n';
    const std::string numbers = loss_with_numbers(example);
    out_ << "  L = " << numbers << text(example.loss) << '\n';
    for (std::size_t j = 0; j < example.loss_slope.size(); ++j) {
      out_ << "  " << numbered("dL/dy", j) << " = " << slope_with_numbers(example, j)
           << text(example.loss_slope[j]) << '\n';
    }
  }

  // The squared error is the text book's; other losses show their formula and their results. A factor
  // other than 1 shows too.
  bool is_plain_squared_error() const {
    const std::string factor = setting("loss.factor");
    return name("loss") == "mean_squared_error" && (factor.empty() || factor == "1");
  }
  std::string loss_with_numbers(const ExplainedExample& example) const {
    if (!is_plain_squared_error()) return "";
    std::string sum;
    for (std::size_t j = 0; j < example.target.size(); ++j) {
      sum += (j > 0 ? " + " : "") + error_text(example, j) + "^2";
    }
    return '(' + sum + ") / " + std::to_string(example.target.size()) + " = ";
  }
  std::string slope_with_numbers(const ExplainedExample& example, std::size_t j) const {
    if (!is_plain_squared_error()) return "";
    return "2/" + std::to_string(example.target.size()) + " * " + error_text(example, j) + " = ";
  }
  static std::string error_text(const ExplainedExample& example, std::size_t j) {
    return '(' + text(example.layers.back().a[j]) + " - " + in_brackets(example.target[j]) + ')';
  }

  void mean_loss() const {
    Sum sum;
    for (const ExplainedExample& example : step_.examples) sum.add("", example.loss);
    out_ << "\n  Mean L = (" << sum.numbers() << ") / " << step_.examples.size() << " = "
         << text(step_.loss) << '\n';
  }

  void backward(const ExplainedExample& example) const {
    example_line(example);
    for (std::size_t l = example.layers.size(); l-- > 0;) {
      out_ << "\n  Layer " << l + 1 << '\n';
      const ExplainedExample::Layer& layer = example.layers[l];
      if (!is_elementwise(l)) {
        for (std::size_t j = 0; j < layer.a.size(); ++j) output_slope(example, l, j);
      }
      for (std::size_t i = 0; i < layer.delta.size(); ++i) delta(example, l, i);
    }
  }

  // dL/da_j of a layer in symbols and in numbers, from dL/dy or from the layer above.
  Sum slope_sum(const ExplainedExample& example, std::size_t l, std::size_t j) const {
    Sum sum;
    if (is_last(l)) {
      sum.add(numbered("dL/dy", j), example.loss_slope[j]);
      return sum;
    }
    const ParameterTensor& above = tensor(l + 1, ".weight");
    for (std::size_t k = 0; k < above.rows; ++k) {
      const std::size_t index = k * above.cols + j;
      sum.add(parameter_symbol(above, index), step_.before[above.offset + index],
              numbered(own_symbol("delta", l + 1), k), example.layers[l + 1].delta[k]);
    }
    return sum;
  }

  void output_slope(const ExplainedExample& example, std::size_t l, std::size_t j) const {
    if (is_last(l)) return;
    const Sum sum = slope_sum(example, l, j);
    out_ << "  dL/d" << numbered(own_symbol("a", l), j) << " = " << sum.symbols() << " = "
         << sum.numbers() << '\n';
  }

  void delta(const ExplainedExample& example, std::size_t l, std::size_t i) const {
    const ExplainedExample::Layer& layer = example.layers[l];
    const auto* phi = dynamic_cast<const ElementwiseActivation*>(&activation(l));
    const std::string symbol = numbered(own_symbol("delta", l), i);
    const std::string z = numbered(own_symbol("z", l), i);
    if (phi == nullptr) {
      out_ << "  " << symbol << " = dL/d" << z << " through " << activation_name(l) << " = "
           << text(layer.delta[i]) << '\n';
      return;
    }
    const Sum sum = slope_sum(example, l, i);
    const bool one = sum.terms() == 1;
    const auto grouped = [one](const std::string& terms) {
      return one ? terms : '(' + terms + ')';
    };
    out_ << "  " << symbol << " = " << grouped(sum.symbols()) << ' ' << activation_name(l) << "'("
         << z << ")\n"
         << "           = " << grouped(sum.numbers()) << " * "
         << in_brackets(phi->slope(layer.z[i])) << " = " << text(layer.delta[i]) << '\n';
  }

  void gradients(const ParameterTensor& tensor) const {
    for (std::size_t index = 0; index < tensor.size(); ++index) {
      out_ << "  dL/d" << parameter_symbol(tensor, index) << " = ";
      if (!is(tensor, ".activation")) gradient_with_numbers(tensor, index);
      out_ << text(step_.gradient[tensor.offset + index]) << '\n';
    }
  }

  void gradient_with_numbers(const ParameterTensor& tensor, std::size_t index) const {
    const std::size_t l = tensor.layer - 1;
    const std::size_t row = index / tensor.cols;
    const std::size_t col = index % tensor.cols;
    const bool is_weight = is(tensor, ".weight");
    const std::string delta = numbered(own_symbol("delta", l), row);
    Sum sum;
    for (const ExplainedExample& example : step_.examples) {
      if (is_weight) {
        sum.add(delta, example.layers[l].delta[row], numbered(output_symbol(l), col),
                outputs(example, l)[col]);
      } else {
        sum.add(delta, example.layers[l].delta[row]);
      }
    }
    const std::string symbols = is_weight ? delta + ' ' + numbered(output_symbol(l), col) : delta;
    if (step_.examples.size() == 1) {
      out_ << symbols << " = ";
      if (is_weight) out_ << sum.numbers() << " = ";
    } else {
      out_ << "mean of " << symbols << " = (" << sum.numbers() << ") / " << step_.examples.size()
           << " = ";
    }
  }

  // Tensors that the same rules move, in the order of the layout.
  struct Moved {
    std::vector<UpdateRule> rules;
    std::vector<const ParameterTensor*> tensors;
  };
  std::vector<Moved> moved() const {
    std::vector<Moved> all;
    for (std::size_t i = 0; i < step_.rules.size(); ++i) {
      auto same = std::ranges::find(all, step_.rules[i], &Moved::rules);
      if (same == all.end()) same = all.insert(same, {step_.rules[i], {}});
      same->tensors.push_back(&step_.layout.tensors()[i]);
    }
    return all;
  }

  void update() const {
    const std::vector<Moved> all = moved();
    for (const Moved& one : all) {
      if (all.size() > 1) {
        out_ << (&one == &all.front() ? "  " : "\n  ");
        for (const ParameterTensor* tensor : one.tensors) {
          out_ << (tensor == one.tensors.front() ? "" : ", ") << tensor_symbol(*tensor);
        }
        out_ << '\n';
      }
      const bool is_plain_descent = one.rules.size() == 1 && one.rules[0].name == "sgd";
      for (const UpdateRule& rule : one.rules) {
        out_ << "  " << rule.name << ": " << rule.formula << '\n';
        if (!is_plain_descent) settings_line(rule.path);
      }
      if (step_.schedule_factor != 1) {
        out_ << "  The schedule multiplies lr by " << text(step_.schedule_factor) << ".\n";
      }
      out_ << '\n';
      if (is_plain_descent) {
        descent(one);
      } else {
        table(one);
      }
    }
  }

  // "    lr = 0.001, beta1 = 0.9": the settings of one table, those of tables inside left out.
  void settings_line(const std::string& path) const {
    const char* separator = "    ";
    for (const ResolvedSetting& one : run_.resolved) {
      const std::size_t dot = one.key.rfind('.');
      if (one.key.substr(0, dot) != path || one.key.substr(dot + 1) == "name") continue;
      out_ << separator << one.key.substr(dot + 1) << " = " << to_string(one.value);
      separator = ", ";
    }
    if (*separator == ',') out_ << '\n';
  }

  void descent(const Moved& one) const {
    const double lr = std::stod(setting(one.rules[0].path + ".lr")) * step_.schedule_factor;
    for (const ParameterTensor* tensor : one.tensors) {
      for (std::size_t i = 0; i < tensor->size(); ++i) {
        const std::size_t at = tensor->offset + i;
        out_ << "  " << parameter_symbol(*tensor, i) << " = " << text(step_.before[at]) << " - "
             << text(lr) << " * " << in_brackets(step_.gradient[at]) << " = "
             << text(step_.after[at]) << '\n';
      }
    }
  }

  // A row a parameter: its gradient, what the optimizer keeps for it before and after, and its move.
  void table(const Moved& one) const {
    std::vector<std::size_t> blocks;
    std::vector<TextTable::Column> columns = {{"w"}, {"dL/dw", Align::right}};
    for (std::size_t b = 0; b < step_.state_after.size(); ++b) {
      const StateBlock& after = step_.state_after[b];
      const std::size_t first = one.tensors[0]->offset;
      const bool has_none =
          after.values.empty() ||
          (std::isnan(after.values[first]) && std::isnan(step_.state_before[b].values[first]));
      if (has_none) continue;
      blocks.push_back(b);
      columns.push_back({after.name + " before", Align::right});
      columns.push_back({after.name + " after", Align::right});
    }
    for (const char* title : {"w before", "update", "w after"}) {
      columns.push_back({title, Align::right});
    }
    TextTable rows(std::move(columns));
    for (const ParameterTensor* tensor : one.tensors) {
      for (std::size_t i = 0; i < tensor->size(); ++i) {
        const std::size_t at = tensor->offset + i;
        std::vector<std::string> cells = {parameter_symbol(*tensor, i), text(step_.gradient[at])};
        for (const std::size_t b : blocks) {
          cells.push_back(text(step_.state_before[b].values[at]));
          cells.push_back(text(step_.state_after[b].values[at]));
        }
        cells.push_back(text(step_.before[at]));
        cells.push_back(text(step_.after[at] - step_.before[at]));
        cells.push_back(text(step_.after[at]));
        rows.add_row(std::move(cells));
      }
    }
    std::ostringstream lines;
    rows.write_plain(lines);
    std::istringstream read(lines.str());
    for (std::string line; std::getline(read, line);) out_ << "  " << line << '\n';
  }

  const ExplainedStep& step_;
  const RunConfiguration& run_;
  std::ostream& out_;
};

}  // namespace

std::string tensor_symbol(const ParameterTensor& tensor) {
  const char letter = is(tensor, ".weight") ? 'w' : is(tensor, ".bias") ? 'b' : 'p';
  return letter + std::to_string(tensor.layer);
}

std::string parameter_symbol(const ParameterTensor& tensor, std::size_t index) {
  const std::string symbol = tensor_symbol(tensor);
  if (!is(tensor, ".weight")) return numbered(symbol, index);
  return symbol + '_' + std::to_string(index / tensor.cols + 1) +
         std::to_string(index % tensor.cols + 1);
}

void write_explanation(const ExplainedStep& step, const RunConfiguration& run, std::ostream& out) {
  Explainer(step, run, out).write();
}

}  // namespace plumbline
